"""A person at Roundcube, without the browser: its pages are scripts, so what those would ask for is asked here."""

from __future__ import annotations

import json
import re

import requests

from tests.webmail import Page, WebmailClient


def _text(literal: str) -> str:
    """A string of a script as a person sees it, without its markup."""
    return re.sub("<[^>]+>", "", str(json.loads(f'"{literal}"')))


class RoundcubeClient(WebmailClient):
    """``RoundcubeClient("webmail.example.com", "172.17.0.2", ca="ca.pem")``."""

    def log_in(self, login: str, password: str) -> Page:
        """The page after the form of the front page."""
        return self.submit(self.get("/").form_with("_user"), _user=login, _pass=password)

    def is_inside(self, page: Page) -> bool:
        """Whether the page is one for somebody who is logged in."""
        return 'id="messagelist"' in page.html

    def said(self, page: Page) -> list[str]:
        """What the page's script shows in the corner, as a person reads it."""
        found = re.findall(r'display_message\("((?:[^"\\]|\\.)*)"', page.html)
        return [_text(one) for one in found]

    def token(self) -> str:
        """What every request of a script must have."""
        found = re.search(r'"request_token":"(\w+)"', self.get("/?_task=mail").html)
        assert found, "nobody is logged in"
        return found[1]

    def messages(self, mailbox: str = "INBOX") -> dict[str, str]:
        """Subject: number (UID) of the message, of the newest fifty."""
        headers = {"X-Roundcube-Request": self.token(), "X-Requested-With": "XMLHttpRequest"}
        where = f"{self.base}/?_task=mail&_action=list&_mbox={mailbox}&_remote=1"
        answer: dict[str, str] = self.session.get(where, headers=headers, timeout=60).json()
        rows = re.findall(r"add_message_row\((\d+),\{(.*?)\},\{", answer["exec"])
        subjects = ((number, re.search(r'"subject":"((?:[^"\\]|\\.)*)"', cells)) for number, cells in rows)
        return {_text(found[1]): number for number, found in subjects if found}

    def read(self, subject: str, mailbox: str = "INBOX") -> Page:
        """The page of the message with that subject."""
        return self.get(f"/?_task=mail&_mbox={mailbox}&_uid={self.messages(mailbox)[subject]}&_action=show")

    def send(self, to: str, subject: str, body: str) -> Page:
        """Compose a message and send it; the answer, which the page's script reads."""
        form = self.get("/?_task=mail&_action=compose").form_with("_message")
        return self.submit(form, _to=to, _subject=subject, _message=body)

    def sets(self, page: str, field: str, **values: str) -> Page:
        """A form of the settings, filled in and sent."""
        form = self.get(f"/?_task=settings&_action={page}").form_with(field)
        form.fields.pop("vacation_addresses", None)  # which a script makes a list of, none without a line
        return self.submit(form, "", (), **values)

    def sign_out(self) -> Page:
        """Leave."""
        return self.get(f"/?_task=logout&_token={self.token()}")

    def status(self, path: str) -> int:
        """What a path is answered with, asked as it is written."""
        request = requests.Request("GET", self.base).prepare()
        request.url = self.base + path
        return self.session.send(request, timeout=60, allow_redirects=False).status_code
