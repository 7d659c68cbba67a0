"""What a run changes, in people's words."""
