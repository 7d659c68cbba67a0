"""Takes mailboxes over from another server. Runs on the mail host, under its own Python (3.10 or later) alone."""
