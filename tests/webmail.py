"""A person at SquirrelMail, without the browser: cookies, forms, frames, uploads and downloads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

Attachment = tuple[str, bytes]  # file name and content


@dataclass
class Form:
    """One form: where it goes, and what a browser would send if the person changed nothing and pressed no button."""

    action: str
    method: str = "post"
    fields: dict[str, str] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    buttons: dict[str, str] = field(default_factory=dict)

    def button(self, name: str) -> str | None:
        """Its name on this page: 1.5.2 numbers its buttons (``send1``), 1.4.23 does not (``send``)."""
        return next((button for button in self.buttons if button.rstrip("0123456789") == name), None)


class Page(HTMLParser):
    """What one page shows: text, links, frames and forms."""

    def __init__(self, response: requests.Response):
        super().__init__(convert_charrefs=True)
        self.url, self.status, self.headers = response.url, response.status_code, response.headers
        self.html = response.content.decode("utf-8")
        self.links: list[tuple[str, str]] = []  # text, address
        self.frames: dict[str, str] = {}
        self.forms: list[Form] = []
        self._words: list[str] = []
        self._hidden = 0
        self._select: str | None = None
        self._textarea: str | None = None
        self.feed(self.html)

    @property
    def text(self) -> str:
        """The words that a person sees, white space made single."""
        return re.sub(r"\s+", " ", "".join(self._words)).strip()

    def link(self, pattern: str) -> str:
        """The address of the first link whose address matches."""
        return next(address for _, address in self.links if re.search(pattern, address))

    def form_with(self, name: str) -> Form:
        """The form that has the field or button."""
        return next(form for form in self.forms if name in form.fields or form.button(name))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag == "a" and "href" in values:
            self.links.append(("", urljoin(self.url, values["href"])))
        elif tag in ("frame", "iframe"):
            self.frames[values.get("name", "")] = urljoin(self.url, values.get("src", ""))
        elif tag == "form":
            action = urljoin(self.url, values.get("action") or self.url)
            self.forms.append(Form(action, values.get("method", "get").lower()))
        elif self.forms:
            self._handle_control(tag, values)
        if tag in ("br", "p", "td", "th", "tr", "div", "li"):
            self._words.append(" ")

    def _handle_control(self, tag: str, values: dict[str, str]) -> None:
        form, name = self.forms[-1], values.get("name", "")
        kind = values.get("type", "text").lower()
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in values or self._select not in form.fields):
            form.fields[self._select] = values.get("value", "")
        elif tag == "textarea":
            self._textarea = name
            form.fields[name] = ""
        elif tag == "input" and name:
            self._handle_input(form, name, kind, values)

    @staticmethod
    def _handle_input(form: Form, name: str, kind: str, values: dict[str, str]) -> None:
        if kind == "file":
            form.uploads.append(name)
        elif kind in ("submit", "image", "button"):
            form.buttons[name] = values.get("value", "")
        elif kind not in ("checkbox", "radio") or "checked" in values:
            form.fields[name] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden -= 1
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._textarea and self.forms:
            self.forms[-1].fields[self._textarea] += data
        self._words.append(data)
        if self.links:
            text, address = self.links[-1]
            self.links[-1] = (text + data, address) if not text else (text, address)


class _At(HTTPAdapter):
    """Whatever name is asked for, the connection goes to one address; the name is still what TLS verifies."""

    def __init__(self, name: str, address: str, port: int):
        self.name, self.netloc = name, f"{address}:{port}"
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> Any:
        return super().init_poolmanager(*args, **kwargs, assert_hostname=self.name, server_hostname=self.name)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        asked = request.url or ""
        parts = urlsplit(asked)
        request.headers["Host"] = parts.netloc
        request.url = urlunsplit(parts._replace(netloc=self.netloc))
        try:
            response = super().send(request, *args, **kwargs)
        finally:
            request.url = asked
        response.url = asked
        return response


class WebmailClient:
    """``WebmailClient("webmail.example.com", "172.17.0.2", ca="ca.pem")``; every page it saw is in ``seen``."""

    def __init__(self, hostname: str, address: str, ca: str | bool, port: int = 443, asked_port: int | None = None):
        """``port`` is what we connect to; ``asked_port`` (else the same) what the address bar says, as behind a NAT."""
        shown = port if asked_port is None else asked_port
        self.base = f"https://{hostname}" + ("" if shown == 443 else f":{shown}")
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = ca
        self.session.mount("https://", _At(hostname, address, port))
        self.seen: list[Page] = []

    def get(self, path: str, **parameters: str) -> Page:
        """Ask for a page, by its path or its whole address."""
        return self._seen(self.session.get(urljoin(self.base + "/", path), params=parameters, timeout=60))

    def submit(self, form: Form, button: str = "", files: Iterable[Attachment] = (), **changed: str) -> Page:
        """Send a form with some fields changed, by a button, with files in its upload field."""
        data = {**form.fields, **changed}
        if pressed := form.button(button):
            data[pressed] = form.buttons[pressed]
        if form.method == "get":
            return self.get(form.action, **data)
        parts = [(form.uploads[0], (name, content, "application/octet-stream")) for name, content in files]
        if form.uploads and not parts:
            parts = [(form.uploads[0], ("", b"", "application/octet-stream"))]
        answer = self.session.post(form.action, data=data, files=parts or None, timeout=120)
        return self._seen(answer)

    def log_in(self, login: str, password: str) -> Page:
        """The page after the form of the front page: frames when the login succeeded, else words that say why not."""
        return self.submit(self.get("/").form_with("login_username"), login_username=login, secretkey=password)

    def messages(self, mailbox: str = "INBOX") -> dict[str, str]:
        """Subject: address of the page that shows the message."""
        page = self.get("/src/right_main.php", mailbox=mailbox)
        return {text.strip(): link for text, link in page.links if "read_body.php" in link and text.strip()}

    def folders(self) -> list[str]:
        """The names in the left frame, in order."""
        page = self.get("/src/left_main.php")
        links = (link for _, link in page.links if "right_main.php" in link)
        found = (parse_qs(urlsplit(link).query).get("mailbox", [""])[0] for link in links)
        return [name for name in dict.fromkeys(found) if name]

    def write(
        self, to: str, subject: str, body: str, attachments: Iterable[Attachment] = (), button: str = "send"
    ) -> Page:
        """Compose a message, attach files one by one, then press ``send`` (or ``draft``)."""
        words = {"send_to": to, "subject": subject, "body": body}
        page = self.get("/src/compose.php")
        for attachment in attachments:
            page = self.submit(page.form_with("attach"), "attach", (attachment,), **words)
        return self.submit(page.form_with(button), button, (), **words)

    def read(self, subject: str, mailbox: str = "INBOX") -> Page:
        """The page of the message with that subject."""
        return self.get(self.messages(mailbox)[subject])

    def download(self, page: Page, name: str) -> bytes:
        """The content of the attachment that the page lists under that name."""
        answer = self.session.get(self._download_link(page, name), timeout=120)
        answer.raise_for_status()
        return answer.content

    @staticmethod
    def _download_link(page: Page, name: str) -> str:
        at = next(number for number, (text, _) in enumerate(page.links) if text.strip() == name)
        return next(link for _, link in page.links[at:] if "download.php" in link and "absolute_dl" in link)

    def sign_out(self) -> Page:
        """Leave."""
        return self.get("/src/signout.php")

    def _seen(self, response: requests.Response) -> Page:
        page = Page(response)
        self.seen.append(page)
        return page
