"""The proof that follows each run: what a mail host was seen to do, against what mail.yaml promises."""
