"""The webmail as a browser sees it: its page, a login, the messages it lists."""

from __future__ import annotations

import html.parser
import http.client
import http.cookiejar
import ssl
import urllib.error
import urllib.parse
import urllib.request
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
    """Follows nothing: SquirrelMail answers 302 to a login that succeeds, 200 to one that fails."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


class Webmail:
    """A browser with its cookies, at https://name:port/."""

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
        has_form = {"login_username", "secretkey"} <= self.form.fields.keys()
        return (
            answer.status if has_form else 0
        ), f"{answer.status} {answer.url}{'' if has_form else ', no login form'}"

    def log_in(self, user: str, secret: str) -> tuple[int, str]:
        """The status that the login is answered with."""
        fields = self.form.fields | {"login_username": user, "secretkey": secret, "js_autodetect_results": "1"}
        where = urllib.parse.urljoin(self.page, self.form.action)
        try:
            with self.stay.open(where, urllib.parse.urlencode(fields).encode(), TIMEOUT) as answer:
                return answer.status, f"{answer.status}, the login was refused"
        except urllib.error.HTTPError as answer:
            return answer.code, f"{answer.code} to {urllib.parse.urlsplit(answer.headers['Location'] or '').path}"

    def listed(self, text: str) -> tuple[int, str]:
        """How many messages of the INBOX have ``text`` in their subject; then log out."""
        with self.follow.open(self.base + "src/right_main.php?mailbox=INBOX", timeout=TIMEOUT) as answer:
            page = answer.read().decode("utf-8", "replace")
        rows = sum(text in row for row in page.split("<tr"))
        self.follow.open(self.base + "src/signout.php", timeout=TIMEOUT).close()
        return rows, f"{rows} listed"


def plain(name: str) -> tuple[int, str]:
    """What plain HTTP answers: the status if it leads to https, else 0."""
    client = http.client.HTTPConnection(name, 80, timeout=TIMEOUT)
    client.request("GET", "/", headers={"Host": name})
    answer = client.getresponse()
    location = answer.getheader("Location") or ""
    return (answer.status if location.startswith("https://") else 0), f"{answer.status} {location}".strip()
