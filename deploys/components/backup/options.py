"""Where backups go, how many are kept, and when they are made."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, WithJsonSchema, model_validator

from deploys.components.updates.options import Hour
from deploys.config.base import Problem, Settings, refuse
from deploys.values import OneLine, secret

STAGED = ".backup"  # below the store of mailboxes; no domain begins with a dot
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_OURS = ("RESTIC_PASSWORD", "RESTIC_REPOSITORY", "RESTIC_CACHE")


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an environment variable; restic's are such as AWS_ACCESS_KEY_ID")
    if name.startswith(_OURS):
        raise ValueError(f"{name} is said by backup.password and backup.repository; write it there")
    return name


def _repository(value: object, info: ValidationInfo) -> object:
    if isinstance(value, (dict, SecretStr)):
        return secret.resolve(value, info)
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is no repository; write what restic calls one: sftp:user@host:/path, s3:…, or /a/directory")
    if urlsplit(value.partition(":")[2]).password or urlsplit(value).password:
        raise ValueError("holds a password; write {file: path} or {env: NAME}, and keep all of it there")
    if not value.startswith("/") and ":" not in value:
        raise ValueError(f"{value} is no whole path; write one that begins with /, or what restic reaches elsewhere")
    return SecretStr(value)


def _on_host(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"{path} is no whole path; write the one on the host, such as /root/backup.password")
    return path


_PLACE: dict[str, Any] = {"anyOf": [{"type": "string", "minLength": 1}, secret.BY_NAME.json_schema]}
Repository = Annotated[SecretStr, BeforeValidator(_repository), WithJsonSchema(_PLACE)]
Variable = Annotated[str, AfterValidator(_variable)]
OnHost = Annotated[OneLine, AfterValidator(_on_host)]
Number = Annotated[int, Field(ge=0, le=1000)]


class Keep(Settings):
    """How many backups are kept: of the last so many days, weeks and months that have one, the last of each."""

    daily: Annotated[int, Field(ge=1, le=1000)] = Field(default=14, description="Days.", examples=[30])
    weekly: Number = Field(default=8, description="Weeks.", examples=[10])
    monthly: Number = Field(default=12, description="Months.", examples=[24])


class Backup(Settings):
    """A copy of all that no run can make again, each night, by restic."""

    repository: Repository = Field(
        description="Where backups go, as restic says it: `sftp:user@host:/path` (with root's own key of SSH),"
        " `rest:https://host/`, `s3:https://host/bucket`, a directory of the host. One with a password in it is"
        " `{file: path}` or `{env: NAME}`.",
        examples=["sftp:keeper@backup.example.org:/srv/mail"],
    )
    password: secret.Secret | None = Field(
        default=None,
        description="What the backups are encrypted with: `{file: path}` (relative to this file) or `{env: NAME}`."
        " Keep another copy of it: without it nobody can read them.",
        examples=[{"file": "backup.password"}],
    )
    password_on_host: OnHost | None = Field(
        default=None,
        description="In place of `password`: a file on the host that holds it and only root may read.",
        examples=["/root/backup.password"],
    )
    environment: dict[Variable, secret.Secret] = Field(
        default={},
        description="What restic has to know to get there, by the names of its variables.",
        examples=[{"AWS_ACCESS_KEY_ID": {"file": "s3.id"}, "AWS_SECRET_ACCESS_KEY": {"file": "s3.key"}}],
    )
    at: Hour = Field(
        default="03:20",
        description="The host's own time of day, in quotes. It is made within half an hour, always at the same minute.",
        examples=["01:00"],
    )
    keep: Keep = Field(default=Keep(), description="How many are kept; others go.", examples=[{"daily": 30}])

    @model_validator(mode="after")
    def _has_one_password(self) -> Backup:
        problems: list[Problem] = []
        if not self.password and not self.password_on_host:
            problems.append((("password",), "is missing; write {file: path}, or password_on_host"))
        if self.password and self.password_on_host:
            problems.append((("password_on_host",), "stands beside password; write one of them"))
        if problems:
            refuse(problems)
        return self
