"""The TCP ports that people and other servers come to (IANA). A name with an S: TLS from the first byte (RFC 8314)."""

SSH = 22
SMTP = 25
HTTP, HTTPS = 80, 443
POP3, POP3S = 110, 995
IMAP, IMAPS = 143, 993
SUBMISSION, SUBMISSIONS = 587, 465
SIEVE = 4190
