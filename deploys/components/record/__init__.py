"""What was declared, written down on the host."""
