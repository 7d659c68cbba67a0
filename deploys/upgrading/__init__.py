"""Before the release is upgraded under a running mail server: what the new one will change."""
