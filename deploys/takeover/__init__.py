"""What somebody else configured on a host: recognised, told, and kept before it is replaced."""
