"""What a version must prove before it may score."""
