"""What the webmail looks like on a desk and on a phone, in light and dark: nothing is cut off, and all can be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from lab.mailhost import MailHost
from tests.on_host.post import mailbox
from tests.on_host.settings import TITO
from tests.on_host.test_browser import HOSTNAME, Person, at_a_browser, undisturbed

pytestmark = [pytest.mark.host, pytest.mark.webmail]

FOLDER, MESSAGES = "Two hundred", 200
STATES = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
NORMAL, LARGE = 4.5, 3.0  # WCAG 2.2, 1.4.3

# How far a page is wider than its window, and every text whose contrast to what is behind it is too low.
MEASURE = """
const seen = text => text.match(/[\\d.]+/g).map(Number);
const behind = element => {
    for (let one = element; one; one = one.parentElement) {
        const [r, g, b, a = 1] = seen(getComputedStyle(one).backgroundColor);
        if (a > 0) return [r, g, b];
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
};
const light = rgb => {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const faults = [];
for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent).join('').trim();
    const text = own || (element.matches('input[type=submit], input[type=text], select') ? element.value : '');
    const style = getComputedStyle(element);
    const shows = element.checkVisibility({visibilityProperty: true, opacityProperty: true});
    if (!text || !shows || element.closest('script, style')) continue;
    const [one, other] = [light(seen(style.color).slice(0, 3)), light(behind(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05), size = parseFloat(style.fontSize);
    const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    if (ratio < (large ? arguments[1] : arguments[0])) faults.push(`${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
}
const wider = document.documentElement.scrollWidth - innerWidth;
return [...(wider > 0 ? [`${wider} px wider than its window`] : []), ...faults];
"""


def messages() -> Iterator[EmailMessage]:
    """Those of a list: short and long senders and subjects, with attachments and without."""
    for number in range(MESSAGES):
        message = EmailMessage()
        message["From"] = [
            "Maria Santos <maria@example.org>",
            '"Newsletter of a company with a long name" <n@example.org>',
        ][number % 2]
        message["To"], message["Subject"] = (
            TITO,
            f"{number}: the minutes of Thursday's meeting" + " in full" * (number % 9),
        )
        message.set_content("Hello\n\n> once\n>> twice\n")
        if number % 5 == 0:
            message.add_attachment(b"x" * 999, maintype="application", subtype="pdf", filename="minutes.pdf")
        yield message
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Maria Santos <maria@example.org>", TITO, "Parents' evening"
    message.set_content("On 3 December, at seven.")
    inner = "<tr><td><h1>Parents' evening</h1><p>On <b>3 December</b>.</td></tr>"
    wide = f'<table width="700" bgcolor="#eeeecc">{inner}</table>'
    message.add_alternative(f'<body style="color: #333">{wide}</body>', subtype="html")
    yield message


@pytest.fixture
def person(mail_host: MailHost, tmp_path: Path) -> Iterator[Person]:
    """Tito at a browser, with a folder of two hundred messages and one in HTML."""
    with mailbox(mail_host, TITO, mail_host.password(TITO)) as client:
        client.create(f'"{FOLDER}"')
        for message in messages():
            client.append(f'"{FOLDER}"', None, None, message.as_bytes())
    with at_a_browser(mail_host, tmp_path / "profile") as someone:
        yield someone
    mail_host.run(f"doveadm mailbox delete -u {TITO} '{FOLDER}'", check=False)


def screen(person: Person, width: int, scheme: str) -> None:
    """Look at it on such a screen from now on."""
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 700}
    person.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    person.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    person.browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def faults(person: Person, name: str) -> list[str]:
    """What is wrong with the page at hand in each of the four states, in each pane that shows."""
    found = []
    for width, scheme in STATES:
        person.browser.switch_to.default_content()
        screen(person, width, scheme)
        person.picture(f"{name}-{width}-{scheme}")
        panes = [one for one in person.browser.find_elements(By.TAG_NAME, "iframe") if one.is_displayed()]
        assert len(panes) in ((0, 2) if width > 700 else (0, 1)), "one pane at a time on a phone"
        for pane in [None, *panes]:
            person.browser.switch_to.default_content()
            if pane:
                person.browser.switch_to.frame(pane)
            found += [
                f"{name} {width} {scheme}: {one}" for one in person.browser.execute_script(MEASURE, NORMAL, LARGE)
            ]
    person.browser.switch_to.default_content()
    screen(person, *STATES[0])
    return found


def visit(person: Person, path: str) -> None:
    """Go there in the right pane."""
    person.frame("right")
    person.browser.execute_script(f"window.here = true; location.href = {json.dumps(path)}")
    WebDriverWait(person.browser, 30).until(lambda browser: not browser.execute_script("return window.here"))
    person.frame("right")


@undisturbed
def test_all_pages_fit_a_desk_and_a_phone_and_can_be_read_in_light_and_dark(person: Person):
    person.browser.get(f"https://{HOSTNAME}/")
    wrong = faults(person, "login")
    person.log_in(TITO)
    assert person.sees("Current Folder: INBOX")
    visit(person, f"/src/right_main.php?mailbox={FOLDER.replace(' ', '+')}")
    assert person.sees("to 50 (201 total)")
    wrong += faults(person, "list")

    person.frame("right")
    person.follow("Parents' evening")
    assert person.sees("On 3 December, at seven.")
    wrong += faults(person, "message")
    person.frame("right")
    person.follow("View as HTML")
    assert person.sees("Parents' evening")
    wrong += faults(person, "html")

    visit(person, "/src/compose.php")
    note = person.profile.parent / "A note with quite a long name, as people give them 2026.txt"
    note.write_text("Hello\n")
    person.browser.find_element(By.NAME, "attachfile").send_keys(str(note))
    person.press("Attach")
    assert person.sees(note.name)
    wrong += faults(person, "compose")

    for name in ("options", "addressbook", "search", "folders", "help"):
        visit(person, f"/src/{name}.php")
        wrong += faults(person, name)
    for page in ("personal", "display", "folder", "compose"):
        visit(person, f"/src/options.php?optpage={page}")
        wrong += faults(person, f"options-{page}")
    visit(person, "/plugins/posthaus/account.php")
    assert person.sees("While you are away")
    wrong += faults(person, "account")
    person.browser.get(f"https://{HOSTNAME}/src/signout.php")
    wrong += faults(person, "signout")
    assert wrong == []
    assert person.complaints() == []


@undisturbed
def test_on_a_phone_the_folders_are_behind_a_button_and_a_choice_shows_its_messages(person: Person):
    person.log_in(TITO)
    person.browser.switch_to.default_content()
    screen(person, 390, "light")
    left, right = (person.browser.find_element(By.NAME, name) for name in ("left", "right"))
    assert (left.is_displayed(), right.is_displayed()) == (False, True)
    person.browser.find_element(By.CSS_SELECTOR, "label[for=folders_shown]").click()
    assert (left.is_displayed(), right.is_displayed()) == (True, False)
    person.frame("left")
    person.follow("Sent")
    person.browser.switch_to.default_content()
    WebDriverWait(person.browser, 30).until(lambda _: right.is_displayed() and not left.is_displayed())
    person.browser.switch_to.frame(right)
    assert person.sees("Sent")
    menu = person.browser.find_element(By.CSS_SELECTOR, ".more a[href$='options.php']")
    assert not menu.is_displayed()
    person.browser.find_element(By.CSS_SELECTOR, "label[for=more_shown]").click()
    assert menu.is_displayed()


@undisturbed
def test_who_may_not_in_is_told_on_the_login_page_and_what_is_not_there_has_a_page_too(person: Person):
    person.browser.get(f"https://{HOSTNAME}/")
    person.type("login_username", TITO)
    person.type("secretkey", "not this one")
    person.press("Login")
    assert person.sees("Unknown user or password incorrect.")
    assert person.browser.find_element(By.NAME, "login_username").get_attribute("value") == TITO
    person.type("secretkey", person.host.password(TITO))
    person.press("Login")
    person.frame("right")
    assert person.sees("Current Folder: INBOX")
    person.browser.get(f"https://{HOSTNAME}/nothing-here")
    assert person.sees("There is no such page")
    person.follow("To the webmail")
    assert person.browser.find_elements(By.NAME, "login_username")
