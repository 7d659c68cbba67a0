"""Where Roundcube is reached, and where its parts lie. What may be said of it is said of the webmail."""

from __future__ import annotations

from deploys.php import pool

NAME = "roundcube"  # of its pools, its user and the option
HOME = "/var/lib/roundcube/public_html"  # of the package
STATE = "/var/lib/posthaus-roundcube"
DATABASES = f"{STATE}/db"  # the directory: SQLite keeps files beside its own
DATABASE = f"{DATABASES}/roundcube.sqlite"
COOKIE, SESSIONS = "roundcube_sessid", f"{STATE}/sessions"


def socket(php: str) -> str:
    """Where PHP ``php`` listens for Apache."""
    return pool.socket(NAME, php)


def entrance(php: str) -> str:
    """Where PHP ``php`` listens for whoever is not logged in."""
    return pool.entrance(NAME, php)
