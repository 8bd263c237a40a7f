"""What a branch may do: its SQL, its Python, its statements, its time and memory."""
