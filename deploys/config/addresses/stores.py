"""Where messages lie that somebody else's server stored, and that ours shall have."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, WithJsonSchema

from deploys.config.base import Settings
from deploys.values import MailboxAddress, locations

_Location = Annotated[StrictStr, AfterValidator(locations.location)]
_Path = Annotated[StrictStr, AfterValidator(locations.absolute)]


class Store(Settings):
    """One mailbox of before."""

    messages: _Location = Field(
        description="Where its messages lie on the host, as Dovecot says it: `maildir:/path`, `mbox:/path:INBOX=/path`,"
        " `sdbox:/path` or `mdbox:/path`. `:LAYOUT=fs` follows where folders of a Maildir lie in one another."
        " Compressed messages are read; encrypted ones are not.",
        examples=["maildir:/var/vmail/example.org/tito"],
    )
    sieve: _Path | None = Field(
        default=None,
        description="Its active Sieve script on the host.",
        examples=["/var/vmail/example.org/tito/.dovecot.sieve"],
    )


def _store(value: object) -> Any:
    return {"messages": value} if isinstance(value, str) else value


_Schema = WithJsonSchema({"anyOf": [{"type": "string", "title": "place"}, Store.model_json_schema()]})
MessagesFrom = dict[MailboxAddress, Annotated[Store, BeforeValidator(_store), _Schema]]
