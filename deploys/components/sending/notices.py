"""What the postmaster and the person are told when a login has sent too much. Runs on the host, as daemon.py does."""

from __future__ import annotations

import smtplib
import sys
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import Any

_PERSON = """Somebody who logged in as {login} has handed in more than
{messages} messages, or messages to more than {recipients} recipients,
within an hour. What goes beyond that waits on the server: none
of it is lost, and there is no need to send it again.

If it was you: tell {postmaster}, who can let
the messages go.

If it was not you, somebody else knows your password. Choose
another one at once, then tell {postmaster}.
"""
_POSTMASTER = """Somebody who logged in as {login} has handed in more than
{messages} messages, or messages to more than {recipients} recipients,
within an hour. What goes beyond that is on hold in the queue of
{hostname}, and will be until you decide:

  pyinfra inventory.py deploys/held.py
      what is held, by login
  pyinfra inventory.py deploys/held.py --data release={login}
      it was the person: deliver all of it, and count anew
  pyinfra inventory.py deploys/held.py --data drop={login}
      it was somebody else: delete what is held (after the
      number has been typed). Change the password first:
      script/mailbox passwd

As long as the login goes on like this, all that it hands in is
held; what comes once it is below the limit again is not.
The limit: mail.yaml, sending.
"""


def messages(login: str, limit: tuple[int, int], settings: Mapping[str, Any]) -> list[EmailMessage]:
    """To the postmaster and to the person; one where that is the same. ``settings``: as daemon.Policy has them."""
    # With system accounts the login is a Unix user, whose name at the host leads to the mailbox.
    person, postmaster = login if "@" in login else f"{login}@{settings['hostname']}", settings["postmaster"]
    words = {"login": login, "messages": limit[0], "recipients": limit[1], **settings}
    told = [_message(postmaster, f"Messages of {login} are held", _POSTMASTER.format(**words), settings)]
    if person != postmaster:
        told.append(_message(person, "Messages of yours are waiting", _PERSON.format(**words), settings))
    return told


def _message(to: str, subject: str, text: str, settings: Mapping[str, Any]) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(settings["title"], "postmaster", settings["domain"])
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=settings["domain"])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice answers it
    message.set_content(text, cte="quoted-printable")
    return message


def send(message: EmailMessage, hostname: str) -> None:
    """Hand it to Postfix, from nobody, so that nothing comes back. Raises OSError where that may succeed later."""
    with smtplib.SMTP("127.0.0.1", 25, hostname, timeout=60) as client:
        try:
            client.send_message(message, "", [str(message["To"])])
        except smtplib.SMTPRecipientsRefused as refused:
            code, said = next(iter(refused.recipients.values()))
            if code < 500:
                raise
            print(f"{message['To']} cannot be told: {code} {said!r}", file=sys.stderr, flush=True)
