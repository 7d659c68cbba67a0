"""What every service of ours speaks: Mozilla's "intermediate" list (https://ssl-config.mozilla.org)."""

PROTOCOLS = ("TLSv1.2", "TLSv1.3")  # the oldest first
OLDEST = PROTOCOLS[0]
# Without the DHE suites, so that no DH parameters have to be made and renewed. As OpenSSL names them (ciphers(1)).
CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
