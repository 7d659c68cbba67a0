"""What may be said about the webmail."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StrictStr, ValidationInfo, model_validator

from deploys.config.base import Settings, refuse
from deploys.php import pool
from deploys.values import HostName, OneLine, Port, ports
from deploys.values.languages import ENGLISH, LANGUAGES
from deploys.values.secret import path

HOME = "/usr/share/squirrelmail"  # a link to the version in use
STATE = "/var/lib/squirrelmail"
PREFERENCES = f"{STATE}/data"  # with address books and signatures
NAME = "squirrelmail"  # of its pools and files
COOKIE, SESSIONS = "SQMSESSID", f"{STATE}/sessions"
MAIL_PORTS = {
    ports.SMTP: "SMTP",
    ports.POP3: "POP3",
    ports.IMAP: "IMAP",
    ports.SUBMISSIONS: "submission",
    ports.SUBMISSION: "submission",
    ports.IMAPS: "IMAP",
    ports.POP3S: "POP3",
}
TAKEN_PORTS = {**MAIL_PORTS, ports.SSH: "SSH", ports.HTTP: "the redirect to https", ports.SIEVE: "ManageSieve"}


def _hexadecimal(digits: int, kind: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(rf"[0-9a-f]{{{digits}}}", text.lower()):
            raise ValueError(f"is not {kind}; write all its {digits} hexadecimal digits, in quotes")
        return text.lower()

    return AfterValidator(check)


def _free(port: int) -> int:
    if port in TAKEN_PORTS:
        raise ValueError(f"{port} belongs to {TAKEN_PORTS[port]}; write 443, or a free one such as 8443")
    return port


def _zone(name: str) -> str:
    if name not in available_timezones():
        alike = ", ".join(get_close_matches(name, available_timezones())) or "Asia/Jakarta"
        raise ValueError(f"{name} is no time zone; write one of the tz database, such as {alike}")
    return name


def _located(text: str, info: ValidationInfo) -> str:
    """A URL as it is; a path from the directory of the YAML file."""
    return text if "://" in text else str(path(text, info))


Commit = Annotated[StrictStr, _hexadecimal(40, "the id of a commit")]
Sha256 = Annotated[StrictStr, _hexadecimal(64, "a SHA-256")]


class Source(Settings):
    """SquirrelMail from elsewhere, pinned by its own checksum: a commit of a git repository, or an archive."""

    git: OneLine | None = Field(
        default=None, description="A git repository.", examples=["https://git.example.org/squirrelmail.git"]
    )
    commit: Commit | None = Field(default=None, description="The commit, 40 hexadecimal digits.")
    archive: Annotated[OneLine, AfterValidator(_located)] | None = Field(
        default=None,
        description="A tar archive: a path on this workstation, or an http(s) URL.",
        examples=["squirrelmail.tar.bz2"],
    )
    sha256: Sha256 | None = Field(default=None, description="Its SHA-256, 64 hexadecimal digits.")

    @model_validator(mode="after")
    def _is_one_pinned_thing(self) -> Source:
        pairs = ((self.git, self.commit), (self.archive, self.sha256))
        if sorted([all(pair), any(pair)] for pair in pairs) != [[False, False], [True, True]]:
            refuse(
                [((), "is not one pinned thing; write {git: URL, commit: ID} or {archive: PATH or URL, sha256: SUM}")]
            )
        return self

    @property
    def checksum(self) -> str:
        """What pins it: the commit's id, or the archive's SHA-256."""
        return self.commit or self.sha256 or ""


BRANCHES = {
    "current": Source(  # 1.5.2, 2026-02-24
        git="https://github.com/RealityRipple/squirrelmail.git", commit="76b545c9882c605564a886ec6739287a2ee32abe"
    ),
    "stable": Source(  # 1.4.23, 2025-08-13
        git="https://github.com/jult/SquirrelMail.git", commit="bc3cee153e2db69e44a8333d2fc795ffcb0b504b"
    ),
}


class Webmail(Settings):
    """The page where people read mail in a browser."""

    hostname: HostName | None = Field(
        default=None,
        description="Its name in the browser. Default: webmail. before the first of `domains`.",
        examples=["webmail.example.org"],
    )
    title: OneLine = Field(
        default="Webmail",
        max_length=200,
        description="The title of its pages, and what mail programs call the account (without one: by its domain).",
        examples=["Mail of Example Ltd"],
    )
    port: Annotated[Port, AfterValidator(_free)] = Field(default=443, description="Its https port.", examples=[8443])
    program: Literal["squirrelmail", "roundcube"] = Field(
        default="squirrelmail",
        description="`squirrelmail`, light, which needs no script in the browser; or `roundcube`, from the release's"
        " own archive, with its security updates.",
        examples=["roundcube"],
    )
    branch: Literal["current", "stable"] = Field(
        default="current", description="SquirrelMail 1.5.2, maintained (`current`), or 1.4.23 (`stable`)."
    )
    source: Source | None = Field(
        default=None, description="Another SquirrelMail than the branch's, pinned by its checksum."
    )

    language: OneLine = Field(
        default=ENGLISH,
        description="The language of who has chosen none; everybody may choose another (Options, Display Preferences). "
        "What SquirrelMail has learned to say since 2003 is English in all of them.",
        examples=["id_ID"],
    )
    timezone: Annotated[StrictStr, AfterValidator(_zone)] | None = Field(
        default=None,
        description="The time zone of who has chosen none, by its name in the tz database. Default: the host's own.",
        examples=["Asia/Jakarta"],
    )

    @model_validator(mode="after")
    def _is_of_the_program(self) -> Webmail:
        """Roundcube comes as the release has it: nothing about SquirrelMail's source would have an effect."""
        foreign = [one for one in ("branch", "source") if self.program != NAME and one in self.model_fields_set]
        if foreign:
            refuse([((one,), f"is SquirrelMail's alone; take it away, or write `program: {NAME}`") for one in foreign])
        return self

    @model_validator(mode="after")
    def _speaks_it(self) -> Webmail:
        """Each program has its own languages; the release's Roundcube comes with some eighty."""
        if self.program == NAME and self.language not in (ENGLISH, *LANGUAGES):
            known = ", ".join(sorted([ENGLISH, *LANGUAGES]))
            refuse([(("language",), f"{self.language} is no language that SquirrelMail has; write one of {known}")])
        if self.program == NAME and self.language != ENGLISH and self.branch != "current":
            refuse([(("language",), "is for branch current alone; 1.4.23 is in English. Leave one of the two out")])
        if not re.fullmatch(r"[a-z]{2,3}(?:_[A-Z]{2})?", self.language):
            refuse([(("language",), f"{self.language} is no language; write one such as id_ID")])
        return self

    @property
    def translated(self) -> bool:
        """Whether translations come with it: with another source of one's own only where a language is asked for."""
        return self.branch == "current" and (self.source is None or self.language != ENGLISH)

    @property
    def pinned(self) -> Source:
        """The source to install."""
        return self.source or BRANCHES[self.branch]


def address(webmail: Webmail | None, hostname: str = "") -> str:
    """Where people look, as a browser names it, without a slash at the end: the webmail, else the server itself."""
    if not webmail:
        return f"https://{hostname}"
    port = "" if webmail.port == 443 else f":{webmail.port}"
    return f"https://{webmail.hostname}{port}"


def socket(php: str) -> str:
    """Where PHP ``php`` listens for Apache."""
    return pool.socket(NAME, php)


def entrance(php: str) -> str:
    """Where PHP ``php`` listens for the login page."""
    return pool.entrance(NAME, php)
