"""The webmail as a browser sees it: its page, a login, the messages it lists."""

from __future__ import annotations

import html.parser
import http.client
import http.cookiejar
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from deploys.checks.remote.protocols import TIMEOUT


class _Form(html.parser.HTMLParser):
    """The login form: where it goes, and all its fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form" and not self.action:
            self.action = values.get("action") or ""
        elif tag == "input" and values.get("name"):
            self.fields[str(values["name"])] = values.get("value") or ""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the webmail answers 302 to a login that succeeds, something else to one that fails."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


class Webmail:
    """A browser with its cookies, at https://name:port/, where SquirrelMail answers."""

    fields = ("login_username", "secretkey")
    further: tuple[tuple[str, str], ...] = (("js_autodetect_results", "1"),)

    def __init__(self, name: str, port: int, context: ssl.SSLContext) -> None:
        self.base = f"https://{name}/" if port == 443 else f"https://{name}:{port}/"
        https = urllib.request.HTTPSHandler(context=context)
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        no_proxy = urllib.request.ProxyHandler({})
        self.follow = urllib.request.build_opener(https, cookies, no_proxy)
        self.stay = urllib.request.build_opener(https, cookies, no_proxy, _Stay)
        self.form, self.page = _Form(), self.base

    def open_page(self) -> tuple[int, str]:
        """The first page; 0 instead of its status if it has no form to log in with."""
        with self.follow.open(self.base, timeout=TIMEOUT) as answer:
            self.form.feed(answer.read().decode("utf-8", "replace"))
            self.page = answer.url
        has_form = set(self.fields) <= self.form.fields.keys()
        return (
            answer.status if has_form else 0
        ), f"{answer.status} {answer.url}{'' if has_form else ', no login form'}"

    def log_in(self, user: str, secret: str) -> tuple[int, str]:
        """The status that the login is answered with."""
        fields = self.form.fields | dict(zip(self.fields, (user, secret), strict=True)) | dict(self.further)
        where = urllib.parse.urljoin(self.page, self.form.action)
        try:
            with self.stay.open(where, urllib.parse.urlencode(fields).encode(), TIMEOUT) as answer:
                return answer.status, f"{answer.status}, the login was refused"
        except urllib.error.HTTPError as answer:
            return answer.code, f"{answer.code} to {urllib.parse.urlsplit(answer.headers['Location'] or '').path}"

    def listed(self, text: str) -> tuple[int, str]:
        """How many messages of the INBOX have ``text`` in their subject; then log out."""
        rows = sum(text in row for row in self._read("src/right_main.php?mailbox=INBOX").split("<tr"))
        self._read("src/signout.php")
        return rows, f"{rows} listed"

    def _read(self, path: str, headers: Mapping[str, str] | None = None) -> str:
        request = urllib.request.Request(self.base + path, headers=dict(headers or {}))
        with self.follow.open(request, timeout=TIMEOUT) as answer:
            page: str = answer.read().decode("utf-8", "replace")
            return page


class Roundcube(Webmail):
    """The same where Roundcube answers: its page is empty, and a script fetches what it lists."""

    fields = ("_user", "_pass")
    further = ()

    def listed(self, text: str) -> tuple[int, str]:
        """How many messages of the INBOX have ``text`` in their subject; then log out."""
        found = re.search(r'"request_token":"(\w+)"', self._read("?_task=mail&_mbox=INBOX"))
        token = found[1] if found else ""
        asked = {"X-Roundcube-Request": token, "X-Requested-With": "XMLHttpRequest"}
        answer = self._read("?_task=mail&_action=list&_mbox=INBOX&_remote=1", asked)
        rows = sum(text in row for row in answer.split("add_message_row("))
        self._read(f"?_task=logout&_token={token}")
        return rows, f"{rows} listed"


PROGRAMS = {"squirrelmail": Webmail, "roundcube": Roundcube}


def plain(name: str) -> tuple[int, str]:
    """What plain HTTP answers: the status if it leads to https, else 0."""
    client = http.client.HTTPConnection(name, 80, timeout=TIMEOUT)
    client.request("GET", "/", headers={"Host": name})
    answer = client.getresponse()
    location = answer.getheader("Location") or ""
    return (answer.status if location.startswith("https://") else 0), f"{answer.status} {location}".strip()
