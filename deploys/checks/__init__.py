"""The verification that follows a run: what a mail host was seen to do, against what mail.yaml promises."""
