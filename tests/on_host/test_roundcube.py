"""Roundcube as people use it, and what its host keeps to itself: one host of each release, converged to it once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host import test_browser
from tests.on_host.browsing import BODY, HOSTNAME, by_imap, dovecot_cpu, soon
from tests.on_host.conftest import start
from tests.on_host.converged import Converged
from tests.on_host.settings import ANA, IQBAL, TITO, example
from tests.on_host.strangers import Attempt, strangers
from tests.on_host.test_account import opens
from tests.on_host.test_browser import Elsewhere, Person, at_a_browser, curious, undisturbed
from tests.on_host.test_webmail_attacks import is_open, slow
from tests.roundcube import RoundcubeClient
from tests.test_contacts import NEW, NO_ADDRESS, USUAL

pytestmark = pytest.mark.host

ROUNDCUBE = example(webmail={"hostname": HOSTNAME, "program": "roundcube"})
DATABASE = "/var/lib/posthaus-roundcube/db/roundcube.sqlite"
SQUIRRELMAILS = "/var/lib/squirrelmail/data/tito@example.com.abook"


@pytest.fixture(scope="module")
def roundcube(converged: Converged, lab_state: Path, release: str) -> Iterator[MailHost]:
    """A host that had SquirrelMail, and has Roundcube now."""
    host = converged.whole(start(lab_state, release, image=converged.image(release)))
    try:
        host.write(SQUIRRELMAILS, "ana|Ana|Lima|ana@example.net|\n", "0660")
        run = host.converge(ROUNDCUBE)
        assert run.rc == 0, run.output
        yield host
    finally:
        host.host.remove()


def client(host: MailHost, address: str | None = None, password: str = "") -> RoundcubeClient:
    """A browser at the host's webmail, logged in as ``address``."""
    webmail = RoundcubeClient(HOSTNAME, host.address, str(host.ca))
    if address:
        page = webmail.log_in(address, password or host.password(address))
        assert webmail.is_inside(page), webmail.said(page)
    return webmail


def test_it_serves_all_that_verify_asks_for_and_a_second_run_changes_nothing(roundcube: MailHost):
    again = roundcube.converge()
    assert (again.rc, again.changes) == (0, 0), again.output
    verified = roundcube.verify()
    assert verified.rc == 0, verified.output
    assert re.search(r"messages in its list +all +2 listed +ok", verified.output), verified.output


def test_a_message_written_in_roundcube_is_read_there_and_by_imap(roundcube: MailHost):
    subject = f"Żółć 漢字 € {uuid4().hex[:8]}"
    tito, iqbal = client(roundcube, TITO), client(roundcube, IQBAL)
    assert "Message sent successfully" in tito.send(IQBAL, subject, BODY).html
    assert soon(lambda: subject in iqbal.messages(), 60)
    page = iqbal.read(subject)
    assert "Tito Puente" in page.text
    assert all(line in page.text for line in BODY.split("\n"))
    message = by_imap(roundcube, IQBAL, subject)
    assert str(message["From"].addresses[0]) == f"Tito Puente <{TITO}>"
    browser = roundcube.run("tail -n 1 /var/log/apache2/access.log | cut -d' ' -f1").stdout.strip()
    assert browser
    assert browser not in message.as_string(), "where the writer sat is nobody's business"
    assert subject in tito.messages("Sent")
    tito.sign_out()
    assert not tito.is_inside(tito.get("/?_task=mail"))


def test_a_wrong_password_is_refused_and_dovecot_knows_from_where(roundcube: MailHost):
    cursor = roundcube.run("journalctl -t dovecot -n 0 --show-cursor").stdout.partition("cursor: ")[2].strip()
    stranger = client(roundcube)
    page = stranger.log_in(TITO, "not this one")
    assert stranger.said(page) == ["Login failed."]
    client(roundcube, TITO)
    browser = roundcube.run("tail -n 1 /var/log/apache2/access.log | cut -d' ' -f1").stdout.strip()
    log = roundcube.run(f"journalctl -t dovecot --after-cursor='{cursor}' -o cat").stdout
    said = [line for line in log.splitlines() if "imap-login" in line and TITO in line]
    assert len(said) > 1, log
    assert all(f"rip={browser}," in line for line in said), said


def test_ten_wrong_logins_shut_out_the_browser_that_they_come_from(roundcube: MailHost):
    with strangers(roundcube) as there:
        said = there.attempt([Attempt("roundcube", 20, TITO, f"guess-{number}") for number in range(9)], 5)
        assert said == ["401"] * 9
        assert there.banned() == set()
        there.attempt([Attempt("roundcube", 20, TITO, "guess-9")])
        wait_until(lambda: there.banned() == {"198.51.100.20"}, 20, "nobody is shut out")
        assert there.reached(20, 443, 993) == [False, False]
        assert there.reached(21, 443, 993) == [True, True]


def test_every_cookie_is_for_https_only_and_out_of_the_reach_of_scripts(roundcube: MailHost):
    webmail = client(roundcube)
    form = webmail.get("/").form_with("_user")
    data = {**form.fields, "_user": TITO, "_pass": roundcube.password(TITO)}
    response = webmail.session.post(form.action, data=data, allow_redirects=False, timeout=60)
    said = response.raw.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in said} == {"roundcube_sessid", "roundcube_sessauth"}
    for cookie in said:
        attributes = {word.strip().lower() for word in cookie.split(";")[1:]}
        assert {"secure", "httponly", "samesite=strict"} <= attributes, cookie
    left = roundcube.run("grep -l tito@example.com /var/lib/posthaus-roundcube/sessions/* | wc -l").stdout
    client(roundcube, TITO)
    after = roundcube.run("grep -l tito@example.com /var/lib/posthaus-roundcube/sessions/* | wc -l").stdout
    assert int(after) == int(left) + 1, "a session of before the login stays, as good as the new one"


KEPT = [
    "/config/config.inc.php", "/.htaccess", "/program/include/rcmail.php", "/plugins/password/config.inc.php",
    "/plugins/posthaus/posthaus.php", "/plugins/posthaus_apps/localization/en_US.inc", "/SQL/sqlite.initial.sql",
    "/bin/gc.sh", "/installer/index.php", "/logs/errors.log", "/temp/", "/skins/elastic/", "/skins/elastic/meta.json",
    "/skins/elastic/composer.json", "/index.php/x", "/program/js/../include/rcmail.php", "/%2e%2e/etc/passwd",
    "/nothing-here", "/server-status",
]  # fmt: skip
SERVED = [
    "/", "/favicon.ico", "/skins/elastic/deps/bootstrap.min.css", "/program/js/common.min.js",
    "/program/resources/blank.tiff", "/plugins/jqueryui/js/jquery-ui.min.js", "/setup/",
]  # fmt: skip


def test_only_what_a_browser_needs_is_served(roundcube: MailHost):
    webmail = client(roundcube)
    found = {path: webmail.status(path) for path in (*KEPT, *SERVED)}
    assert {path: code for path, code in found.items() if path in KEPT and code not in (400, 404)} == {}
    assert {path: code for path, code in found.items() if path in SERVED and code != 200} == {}


def test_who_is_not_logged_in_sends_nothing_large_and_slow_strangers_leave_the_page_to_others(roundcube: MailHost):
    webmail = client(roundcube)
    webmail.get("/")
    answer = webmail.session.post(f"{webmail.base}/?_task=login", data={"x": "y" * 100_000}, timeout=60)
    assert answer.status_code == 413
    begun = "POST /?_task=login HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with slow(roundcube, begun + "Content-Length: 8000\r\n\r\n_user=", 100) as connections:
        assert client(roundcube).get("/").form_with("_user")
        assert sum(map(is_open, connections)) > 50, "nobody was slow here"


def test_who_is_away_has_an_answer_given(roundcube: MailHost):
    words = uuid4().hex
    iqbal = client(roundcube, IQBAL)
    iqbal.sets(
        "plugin.managesieve-vacation",
        "vacation_reason",
        vacation_status="on",
        vacation_subject=words,
        vacation_reason="Ich bin am Meer. Grüße",
    )
    tito = client(roundcube, TITO)
    assert "Message sent successfully" in tito.send(IQBAL, uuid4().hex, "Are you there?").html
    assert soon(lambda: words in tito.messages(), 60)
    assert "Ich bin am Meer. Grüße" in tito.read(words).text


def test_a_person_changes_their_password_and_gives_a_phone_one_of_its_own(roundcube: MailHost):
    old, new = roundcube.password(ANA), "seventeen quiet herons"
    ana, elsewhere = client(roundcube, ANA), client(roundcube, ANA)
    change = {"_newpasswd": new, "_confpasswd": new}
    refused = ana.sets("plugin.password", "_curpasswd", _curpasswd="not this one", **change)
    assert ana.said(refused) == ["Current password incorrect."]
    assert ana.said(ana.sets("plugin.password", "_curpasswd", _curpasswd=old, **change)) == ["Successfully saved."]
    assert [opens(roundcube, "imap", ANA, word) for word in (old, new)] == [False, True]
    assert ana.messages() is not None, "the session goes on"
    assert elsewhere.said(elsewhere.get("/?_task=mail")) == ["Connection to storage server failed."]

    page = "plugin.posthaus_apps"
    assert ana.said(ana.sets(page, "_curpasswd", _curpasswd=old, _label="Téléphone", _do="make"))[0]
    made = ana.sets(page, "_curpasswd", _curpasswd=new, _label="Téléphone", _do="make")
    (secret,) = re.findall(r'id="app-secret"[^>]*>([^<]+)<', made.html)
    assert [opens(roundcube, kind, ANA, secret) for kind in ("imap", "smtp")] == [True, True]
    assert "Téléphone" in ana.sets(page, "_curpasswd", _curpasswd=new, _do="show").text
    assert secret not in ana.sets(page, "_curpasswd", _curpasswd=new, _do="show").html
    gone = ana.sets(page, "_curpasswd", _curpasswd=new, _revoke="Téléphone")
    assert ana.said(gone) == ['The app password for "Téléphone" is revoked.']
    assert not opens(roundcube, "imap", ANA, secret)
    back = {"_curpasswd": new, "_newpasswd": old, "_confpasswd": old}
    assert ana.said(ana.sets("plugin.password", "_curpasswd", **back)) == ["Successfully saved."]
    assert [opens(roundcube, "imap", ANA, word) for word in (old, new)] == [True, False]


def test_a_page_costs_dovecot_a_few_milliseconds(roundcube: MailHost):
    tito = client(roundcube, TITO)
    before = dovecot_cpu(roundcube)
    assert all(tito.is_inside(tito.get("/?_task=mail")) for _ in range(10))
    assert (dovecot_cpu(roundcube) - before) / 10 < 15


def test_its_database_follows_an_upgrade_of_the_package(roundcube: MailHost):
    """As the last of its schemas came: the timer of the package, which runs as our user, brings it."""
    older = "2021100300"
    sql = f"update system set value = '{older}'; drop index ix_responses_user_id;"
    sql += "create index ix_responses_user_id on responses(user_id);"
    asked = f"sqlite3 {DATABASE} \"select value from system where name = 'roundcube-version'\""
    newest = roundcube.run(asked).stdout
    roundcube.run(f'sqlite3 {DATABASE} "{sql}"')
    assert roundcube.run(asked).stdout == f"{older}\n" != newest
    roundcube.run("systemctl start roundcube-gc.service roundcube-cleandb.service")
    assert roundcube.run(asked).stdout == newest
    assert roundcube.run(f"stat -c '%U %a' {DATABASE}").stdout == "roundcube 600\n"
    assert client(roundcube, TITO).messages() is not None


@pytest.fixture
def person(roundcube: MailHost, tmp_path: Path) -> Iterator[Person]:
    """Somebody with a fresh browser, two hundred messages, and one in HTML that asks for everything at once."""
    roundcube.run("sh -s", input=TWO_HUNDRED)
    with at_a_browser(roundcube, tmp_path / "profile") as someone:
        yield someone


elsewhere = test_browser.elsewhere
TWO_HUNDRED = """set -e
doveadm mailbox status -u tito@example.com messages INBOX
cd /var/mail/vhosts/example.com/tito/Maildir/new
[ ! -e 1.seed ] || exit 0
for n in $(seq 200); do
    printf 'From: Person %s <p%s@example.org>\nSubject: Message number %s, of some length\n' $n $n $n >$n.seed
    printf 'Date: Wed, 25 Nov 2026 10:00:00 +0000\nMessage-ID: <%s@example.org>\n\nHello\n' $n >>$n.seed
    chown vmail:vmail $n.seed
done
"""
SCREENS = {"desk": (1280, 900), "phone": (390, 844)}


@pytest.mark.releases("debian-13")
@undisturbed
def test_all_of_it_fits_a_desk_and_a_phone_and_nothing_remote_loads_unasked(person: Person, elsewhere: Elsewhere):
    subject, there = uuid4().hex, f"https://127.0.0.1:{elsewhere.server_address[1]}"
    person.host.run(f"doveadm save -u {TITO}", input=curious(there, subject))
    number = person.host.run(f"doveadm fetch -u {TITO} uid mailbox INBOX subject {subject}").stdout.split()[1]
    note = person.profile.parent / "Übersicht 漢.txt"
    note.write_text("Grüße\n")
    for name, (width, height) in SCREENS.items():
        person.browser.delete_all_cookies()
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        person.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        shows(person, f"{name}-login", "", "#rcmloginuser")
        person.type("_user", TITO)
        person.type("_pass", person.host.password(TITO))
        person.browser.find_element(By.ID, "rcmloginsubmit").click()
        seen(person, f"{name}-list", "#messagelist tr.message:nth-child(50)")
        shows(person, f"{name}-message", f"?_task=mail&_mbox=INBOX&_uid={number}&_action=show", "#messagebody")
        assert person.sees("three")
        shows(person, f"{name}-compose", "?_task=mail&_action=compose", "#composebody")
        person.browser.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(note))
        seen(person, f"{name}-attached", "#attachment-list li:not(.uploading) a")
        person.browser.execute_script("rcmail.compose_skip_unsavedcheck = true")
        shows(person, f"{name}-settings", "?_task=settings", "#settings-menu")
        shows(person, f"{name}-password", "?_task=settings&_action=plugin.password", "#curpasswd")
        shows(person, f"{name}-apps", "?_task=settings&_action=plugin.posthaus_apps", "#applabel")
    assert elsewhere.connections == 0
    shows(person, "allowed", f"?_task=mail&_mbox=INBOX&_uid={number}&_action=show", "#remote-objects-message a")
    person.browser.find_element(By.CSS_SELECTOR, "#remote-objects-message a").click()
    WebDriverWait(person.browser, 30).until(lambda _: elsewhere.connections)


def shows(person: Person, name: str, path: str, css: str) -> None:
    """The page at ``path`` shows ``css``."""
    person.browser.get(f"https://{HOSTNAME}/{path}")
    seen(person, name, css)


def seen(person: Person, name: str, css: str) -> None:
    """The page shows ``css``, fits the screen, and nothing in it complains."""
    WebDriverWait(person.browser, 60).until(lambda browser: browser.find_elements(By.CSS_SELECTOR, css))
    person.picture(f"roundcube-{name}")
    wider = person.browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0, f"{name}: something is cut off or has to be scrolled to"
    assert person.complaints() == [], name


@pytest.mark.releases("debian-13")
def test_contacts_come_to_whoever_has_never_logged_in_too(roundcube: MailHost, tmp_path: Path):
    forget = "delete from {} where user_id in (select user_id from users where username = '{}');"
    for table in ("identities", "contacts", "users"):
        roundcube.run(f"sqlite3 {DATABASE}", input=forget.format(table, ANA))
    cards = tmp_path / "contacts.vcf"
    cards.write_text(USUAL + NEW + NO_ADDRESS, "utf-8")
    add = ("deploys/contacts.py", "--data", f"mailbox={ANA}", "--data", f"from={cards}", "-y")
    for said in ("3 contacts added, 0 there already", "0 contacts added, 3 there already"):
        run = roundcube.pyinfra(*add)
        assert run.rc == 0, run.output
        assert f"{ANA}: {said}" in run.output, run.output
    ana = client(roundcube, ANA)
    headers = {"X-Roundcube-Request": ana.token(), "X-Requested-With": "XMLHttpRequest"}
    listed = ana.session.get(f"{ana.base}/?_task=addressbook&_action=list&_source=0&_remote=1", headers=headers)
    rows = re.findall(r'add_contact_row\("?(\d+)"?,\{(.*?)\},', listed.json()["exec"])
    assert sorted(json.loads(f"{{{cells}}}")["name"] for _, cells in rows) == ["Dr. Ana Lima", "The Doctor", "Zoë 漢字"]
    [number] = [number for number, cells in rows if "Lima" in cells]
    shown = ana.get(f"/?_task=addressbook&_action=show&_source=0&_cid={number}").text
    for word in ("ana@example.net", "ana@work.example", "Street 1", "Example, Ltd", "annie", 'a b;c | "quoted"'):
        assert word in shown, (word, shown)
    asked = "select u.username, u.mail_host, i.email, i.standard from users u join identities i using (user_id)"
    found = roundcube.run(f"sqlite3 {DATABASE}", input=f"{asked} where u.username in ('{ANA}', '{IQBAL}');").stdout
    assert f"{ANA}|127.0.0.1|{ANA}|1\n" in found
    assert found.count(ANA) == 2, "the login found what was made, and made nothing beside it"


@pytest.mark.webmail
@pytest.mark.releases("debian-13")
def test_what_does_not_work_is_taken_back_and_squirrelmail_comes_back_with_all_it_had(roundcube: MailHost):
    client(roundcube, IQBAL)
    contact = f"insert into contacts (user_id, name, email) select user_id, 'Ana', '{ANA}' from users where username ="
    roundcube.run(f"sqlite3 {DATABASE}", input=f"{contact} '{IQBAL}';")
    before = roundcube.run("cat /etc/posthaus-roundcube/config.inc.php").stdout
    roundcube.run(f"mv {DATABASE} {DATABASE}.kept && install -o roundcube -m 600 /etc/hostname {DATABASE}")
    refused = roundcube.converge({**ROUNDCUBE, "webmail": {**ROUNDCUBE["webmail"], "title": "Another"}})
    assert refused.rc == 1
    assert "the previous files are back" in refused.output, refused.output
    assert roundcube.run("cat /etc/posthaus-roundcube/config.inc.php").stdout == before
    roundcube.run(f"mv {DATABASE}.kept {DATABASE}")

    maria, settings = "maria@example.com", example()
    settings["mailboxes"][maria] = {**settings["mailboxes"].pop(IQBAL), "formerly": IQBAL}
    run = roundcube.converge(settings)
    assert run.rc == 0, run.output
    assert roundcube.run(f"cat {SQUIRRELMAILS}").stdout.startswith("ana|Ana")
    asked = "select username, identities.email, contacts.name from users join identities using (user_id)"
    asked += f" left join contacts using (user_id) where username in ('{maria}', '{IQBAL}')"
    found = roundcube.run(f"sqlite3 {DATABASE}", input=f"{asked};").stdout
    assert found == f"{maria}|{maria}|Ana\n", "whoever is renamed has the address book, and writes by the new name"
    units = "systemctl is-enabled roundcube-gc.timer roundcube-cleandb.timer"
    assert roundcube.run(units, check=False).stdout == "disabled\ndisabled\n"
    assert (
        roundcube.run("find /etc /var/lib/roundcube -path '*posthaus*' -type f | grep -i roundcube", check=False).stdout
        == ""
    )
    assert roundcube.converge().changes == 0
