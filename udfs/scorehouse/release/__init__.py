"""What readers open: written aside, verified, moved into place."""
