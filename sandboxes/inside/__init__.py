"""What runs inside the container: only the standard library, sent to the container at its start."""
