"""What runs on the mail host itself, with its own python3 (3.10 or later): standard library only. See bundle.py."""
