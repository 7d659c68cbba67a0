"""The way to a host: SSH and sudo, and what there is to say where it is barred."""
