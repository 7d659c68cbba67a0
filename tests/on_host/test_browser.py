"""The webmail in a real browser: what the page shows, not what its source says. Needs Debian's chromium-driver."""

from __future__ import annotations

import functools
import os
import shutil
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from lab.mailhost import MailHost
from tests.on_host.settings import IQBAL, TITO, example

pytestmark = [pytest.mark.host, pytest.mark.webmail]

HOSTNAME = "webmail.example.com"
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


class Person:
    """Somebody at a browser that believes every certificate (test_webmail.py verifies them)."""

    def __init__(self, host: MailHost, profile: Path, pictures: Path):
        options = webdriver.ChromeOptions()
        options.accept_insecure_certs = True
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--host-resolver-rules=MAP {HOSTNAME} {host.address}"):
            options.add_argument(flag)
        self.host, self.profile, self.pictures = host, profile, pictures
        self.console: list[dict[str, str]] = []
        self.browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
        self.browser.set_page_load_timeout(60)

    def log_in(self, address: str) -> None:
        self.browser.get(f"https://{HOSTNAME}/")
        self.type("login_username", address)
        self.type("secretkey", self.host.password(address))
        self.picture("login")
        self.press("Login")
        self.frame("right")

    def frame(self, name: str) -> None:
        """Look into one frame of the page, once its page is whole."""
        self.browser.switch_to.default_content()
        wait = WebDriverWait(self.browser, 30)
        wait.until(lambda browser: browser.find_elements(By.NAME, name))
        self.browser.switch_to.frame(name)
        wait.until(lambda browser: browser.execute_script("return document.readyState") == "complete")

    def type(self, field: str, text: str) -> None:
        found = self.browser.find_element(By.NAME, field)
        found.clear()
        found.send_keys(text)

    def press(self, button: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, f"input[type=submit][value='{button}']").click()

    def follow(self, link: str) -> None:
        self.browser.find_element(By.LINK_TEXT, link).click()

    def sees(self, text: str) -> bool:
        """Whether the text shows in the frame at hand, within half a minute."""
        wait = WebDriverWait(self.browser, 30, ignored_exceptions=(StaleElementReferenceException,))
        return wait.until(lambda browser: text in browser.find_element(By.TAG_NAME, "body").text)

    def picture(self, name: str) -> bytes:
        """A screenshot; kept where POSTHAUS_PICTURES names a directory."""
        data: bytes = self.browser.get_screenshot_as_png()
        (self.pictures / f"{self.host.release}-{name}.png").write_bytes(data)
        return data

    def complaints(self) -> list[str]:
        """What the browser's console says is wrong: a refused style, a missing picture, a script that failed."""
        self.console += self.browser.get_log("browser")
        return [line["message"] for line in self.console if line["level"] in ("SEVERE", "WARNING")]

    def was_disturbed(self) -> bool:
        """Chromium drops what it is at when this machine's interfaces change, as any container's start makes them."""
        pages = [self.browser.page_source]
        self.browser.switch_to.default_content()
        for frame in self.browser.find_elements(By.CSS_SELECTOR, "frame, iframe"):
            self.browser.switch_to.frame(frame)
            pages.append(self.browser.page_source)
            self.browser.switch_to.default_content()
        return any("ERR_NETWORK_CHANGED" in text for text in (*pages, *self.complaints()))


def undisturbed(scenario: Callable[..., None]) -> Callable[..., None]:
    """The scenario once more, from its beginning, where the machine's network changed under it; three times at most."""

    @functools.wraps(scenario)
    def again(person: Person, **more: object) -> None:
        for attempt in (1, 2, 3):
            try:
                return scenario(person, **more)
            except (AssertionError, WebDriverException):
                if attempt == 3 or not person.was_disturbed():
                    raise
                person.console.clear()
                person.browser.delete_all_cookies()

    return again


@contextmanager
def at_a_browser(host: MailHost, profile: Path) -> Iterator[Person]:
    """A person with a fresh browser at the host's webmail; skips the test, aloud, where there is none."""
    if DRIVER is None:
        pytest.skip("no chromedriver here (apt install chromium-driver): THE WEBMAIL WAS NOT LOOKED AT IN A BROWSER")
    pictures = Path(os.environ.get("POSTHAUS_PICTURES", profile.parent))
    pictures.mkdir(parents=True, exist_ok=True)
    someone = Person(host, profile, pictures)
    try:
        yield someone
    finally:
        someone.browser.quit()


@pytest.fixture
def person(mail_host: MailHost, tmp_path: Path) -> Iterator[Person]:
    """Somebody at the shared host's webmail."""
    with at_a_browser(mail_host, tmp_path / "profile") as someone:
        yield someone


@undisturbed
def test_a_person_logs_in_writes_a_message_and_reads_it(person: Person):
    subject, note = f"Żółć 漢字 € {uuid4().hex[:8]}", "Übersicht 漢.txt"
    path = person.profile.parent / note
    path.write_text("Grüße\n")
    person.log_in(TITO)
    assert person.sees("Current Folder: INBOX")
    person.picture("inbox")
    person.frame("left")
    assert all(person.sees(folder) for folder in ("INBOX", "Drafts", "Sent", "Trash"))

    person.frame("right")
    person.follow("Compose")
    person.frame("right")
    person.type("send_to", TITO)
    person.type("subject", subject)
    person.type("body", "Grüße aus dem Browser: 漢字 €")
    person.browser.find_element(By.NAME, "attachfile").send_keys(str(path))
    person.press("Attach")
    person.frame("right")
    assert person.sees(note)
    person.picture("compose")
    person.press("Send")
    person.frame("right")
    assert person.sees("Your mail has been sent")

    WebDriverWait(person.browser, 30).until(lambda _: _arrived(person, subject))
    person.picture("list")
    person.follow(subject)
    person.frame("right")
    assert person.sees("Grüße aus dem Browser: 漢字 €")
    assert person.sees(note)
    person.picture("message")
    person.follow("Sign Out")
    person.browser.switch_to.default_content()
    assert person.sees("signed out")
    assert person.complaints() == []


def _arrived(person: Person, subject: str) -> bool:
    person.frame("right")
    if person.browser.find_elements(By.LINK_TEXT, subject):
        return True
    person.browser.get(f"https://{HOSTNAME}/src/webmail.php")
    person.frame("right")
    return bool(person.browser.find_elements(By.LINK_TEXT, subject))


@undisturbed
def test_a_wrong_password_is_told_in_a_sentence(person: Person):
    person.browser.get(f"https://{HOSTNAME}/")
    person.type("login_username", IQBAL)
    person.type("secretkey", "not this one")
    person.press("Login")
    assert person.sees("Unknown user or password incorrect.")
    person.picture("refused")


@undisturbed
def test_the_page_on_mail_programs_fits_a_desk_and_a_phone(person: Person):
    for name, width in (("setup", 1280), ("setup-phone", 360)):
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        person.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        person.browser.get(f"https://{HOSTNAME}/setup/")
        assert all(person.sees(text) for text in ("Get the profile", "mail.example.com", "993", "465"))
        wider = person.browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"at {width} pixels something is cut off or has to be scrolled to"
        person.picture(name)
    assert person.complaints() == []


class Elsewhere(socketserver.ThreadingTCPServer):
    """A stranger's server on this machine that counts who so much as connects."""

    daemon_threads = True

    def __init__(self) -> None:
        self.connections = 0
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        self.shutdown_request(request)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """A server that no message may reach unasked."""
    with Elsewhere() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


CURIOUS = """<html><head><base href="{0}/"><meta http-equiv="refresh" content="0; url={0}/refresh">
<link rel="stylesheet" href="{0}/sheet"><link rel="prefetch" href="{0}/prefetch"><link rel="preconnect" href="{0}">
<link rel="preload" as="image" href="{0}/preload"><link rel="icon" href="{0}/icon"><script src="{0}/script"></script>
<style>@import "{0}/import"; @font-face {{ font-family: x; src: url({0}/font) }}
p {{ font-family: x; cursor: url({0}/cursor), auto }} li {{ list-style-image: url({0}/list) }}
h1 {{ background: image-set("{0}/set" 1x) }} h2 {{ background: \\75 rl({0}/escaped) }}</style></head>
<body background="{0}/body" onload="fetch('{0}/load')"><p>Look at me</p><h1>one</h1><h2>two</h2><ul><li>three</li></ul>
<img src="{0}/plain"><img srcset="{0}/srcset 1x"><input type="image" src="{0}/input">
<picture><source srcset="{0}/source"><img src="cid:nothing"></picture><img src="//{1}/relative">
<table background="{0}/table"><tr><td background="{0}/cell">x</td></tr></table>
<p style="background:url({0}/url)">a</p><p style="background:image-set('{0}/inline' 1x)">b</p>
<p style="background:-webkit-image-set(url({0}/webkit) 1x)">c</p>
<p style="border-image: url({0}/border)">d</p><p style="content:url({0}/content)">e</p>
<video src="{0}/video" poster="{0}/poster" autoplay></video><audio src="{0}/audio" autoplay></audio>
<iframe src="{0}/frame"></iframe><embed src="{0}/embed"><object data="{0}/object"></object>
<svg><image href="{0}/svg"/><use href="{0}/use"/></svg><form action="{0}/form"><button autofocus>Send</button></form>
</body></html>"""
DATA = "/var/lib/squirrelmail/data"
HEADERS = "From: out@example.org\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n"


def curious(address: str, subject: str) -> str:
    """A message in HTML that asks for pictures and more at ``address`` in every way there is."""
    return f"Subject: {subject}\n{HEADERS}\n{CURIOUS.format(address, address.partition('//')[2])}\n"


def _nothing_remote_loads_unasked(person: Person, elsewhere: Elsewhere) -> None:
    there, subject = f"https://127.0.0.1:{elsewhere.server_address[1]}", uuid4().hex
    person.host.run(f"doveadm save -u {TITO}", input=curious(there, subject))
    person.log_in(TITO)
    person.follow(subject)
    person.frame("right")
    assert person.sees("Look at me")
    if person.browser.find_elements(By.LINK_TEXT, "View as HTML"):  # 1.5.2; 1.4.23 has it among the options
        person.follow("View as HTML")
        person.frame("right")
    assert person.sees("three")
    time.sleep(1)  # what loads, loads now
    assert elsewhere.connections == 0
    person.picture("unasked")
    person.follow("View Unsafe Images")
    person.frame("right")
    assert person.sees("Look at me")
    WebDriverWait(person.browser, 15).until(lambda _: elsewhere.connections)


@undisturbed
def test_nothing_of_a_message_loads_from_elsewhere_before_its_reader_asks(person: Person, elsewhere: Elsewhere):
    _nothing_remote_loads_unasked(person, elsewhere)


def test_nor_with_the_other_branch(own_mail_host: MailHost, tmp_path: Path, elsewhere: Elsewhere):
    run = own_mail_host.converge(example(webmail={"hostname": HOSTNAME, "branch": "stable"}))
    assert run.rc == 0, run.output
    own_mail_host.run(f"cd {DATA}; echo show_html_default=1 >{TITO}.pref; chown www-data {TITO}.pref")
    with at_a_browser(own_mail_host, tmp_path / "profile") as person:
        undisturbed(_nothing_remote_loads_unasked)(person, elsewhere=elsewhere)
