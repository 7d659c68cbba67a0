"""The report as a person reads it, on a phone and on a desk: measured in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from deploys.checks.report import Report, as_html
from deploys.result import CheckResult
from tests.settings import NOW
from tests.test_keys import EVERYTHING, everything_of

DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not DRIVER, reason="NOT PROVED: chromedriver missing; install chromium-driver")
LONG = "TXT mail-ed25519._domainkey.department.of.some.length.example.com"
KEY = "v=DKIM1;k=rsa;p=" + "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" * 12
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server")
MEASURE = """
const text = node => {
  const range = document.createRange();
  range.selectNodeContents(node);
  return range.getBoundingClientRect();
};
return [...document.querySelectorAll("td")].map(cell => {
  const box = cell.getBoundingClientRect(), inside = text(cell);
  return {kind: cell.className, width: box.width, overflow: inside.right - box.right, left: box.left, right: box.right,
          size: parseFloat(getComputedStyle(cell).fontSize)};
});
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    chrome = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield chrome
    chrome.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results, _, _ = everything_of(**EVERYTHING)
    long = CheckResult("dns.dkim.long", "dns", LONG, KEY, KEY, False, f"publish {LONG} {KEY}")
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(
        as_html(Report("mail.department.of.some.length.example.com", NOW, 4.8, (long, *results), ("Do this.",)))
    )
    return path


def seen(browser: webdriver.Chrome, page: Path, width: int, scheme: str) -> list[dict[str, Any]]:
    """Every cell of the page in a window ``width`` pixels wide, in CSS pixels. A picture goes to POSTHAUS_PICTURES."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(page.as_uri())
    if pictures := os.environ.get("POSTHAUS_PICTURES"):
        browser.save_screenshot(f"{pictures}/report-{width}-{scheme}.png")
    found: list[dict[str, Any]] = browser.execute_script(MEASURE)
    return found


@pytest.mark.parametrize(("width", "room"), [(320, 230), (390, 300), (768, 200), (1280, 350)])
def test_what_was_seen_has_room_to_be_read_and_nothing_sticks_out(
    browser: webdriver.Chrome, page: Path, width: int, room: int
):
    cells = seen(browser, page, width, "light")
    assert len(cells) > 200
    assert min(cell["width"] for cell in cells if cell["kind"] == "seen") >= room
    assert [cell for cell in cells if cell["overflow"] > 1 or cell["left"] < 0 or cell["right"] > width] == []
    assert min(cell["size"] for cell in cells) >= 13
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


LEGIBLE = """
const rgb = text => text.match(/[0-9.]+/g).slice(0, 3).map(Number);
const linear = v => v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
const light = text => { const [r, g, b] = rgb(text).map(linear); return .2126 * r + .7152 * g + .0722 * b };
const behind = node => { for (; node; node = node.parentElement) { const c = getComputedStyle(node).backgroundColor;
  if (!/, 0\\)$/.test(c)) return c } return "rgb(255, 255, 255)" };
return [...document.querySelectorAll("td, th, h1, h2, p, .badge, .remedy, li")].map(node => {
  const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x);
  return [node.className || node.tagName, (a + .05) / (b + .05)] }).filter(pair => pair[1] < 4.5);
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_word_stands_out_from_its_background(browser: webdriver.Chrome, page: Path, width: int, scheme: str):
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1."""
    seen(browser, page, width, scheme)
    assert browser.execute_script(LEGIBLE) == []
