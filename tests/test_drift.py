"""What drift says of what a host said: no secret, each change once, and what mail.yaml says anew is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from deploys.components.component import Component
from deploys.drifting import plan, report
from deploys.drifting.finding import Finding
from deploys.drifting.judge import Judge
from deploys.drifting.report import Report
from deploys.drifting.secrets import HIDDEN, NOT_SHOWN, difference, shown
from facts.units import Unit
from operations.file import File
from tests import declared
from tests.settings import mail

MAIN_CF, USERS, BUILT = "/etc/postfix/main.cf", "/etc/dovecot/users", "/etc/postfix/posthaus/mailboxes.cdb"
RUNNING = Unit(loaded=True, enabled=True, active=True, state="active (running)", since=10.0, changed_at=10.0)


@pytest.fixture(scope="module")
def parts() -> tuple[Component, ...]:
    return declared.parts(mail())


def file(about: str, **said: Any) -> dict[str, Any]:
    return {"about": about, "faults": [], "same": False, "now": "n" * 64, "put": "", "text": None, **said}


def judged(
    parts: tuple[Component, ...], *files: dict[str, Any], same: bool | None = True, **looks: Any
) -> list[Finding]:
    return Judge(parts, {"files": files, **looks}, same).results({})


def digest(parts: tuple[Component, ...], path: str) -> str:
    return plan.files(parts)[path].sha256


def test_a_line_that_somebody_added_is_shown_with_what_it_took_away():
    assert difference(File("a = 1\nb = 2\n"), "a = 1\nb = 3\n") == ("- b = 2", "+ b = 3")


@pytest.mark.parametrize(
    "line",
    [
        "smtp_sasl_password_maps = static:relay:hunter2",
        "password = hunter2",
        "  api_key: hunter2",
        "ana:{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$aHVudGVyMg$hunter2",
        "root:$6$hunter2$hunter2:19000::::::",
        "relayhost = smtp://relay:hunter2@mail.example.org",
        "enable_password = $2$hunter2$hunter2",
        "requirepass hunter2",
        "masterauth hunter2",
    ],
)
def test_a_line_that_may_hold_a_secret_is_not_shown_even_where_everybody_may_read_the_file(line: str):
    told = difference(File("a = 1\n"), f"a = 1\n{line}\n")
    assert told == (f"+ {HIDDEN}",)


def test_what_goes_on_from_a_secret_line_is_a_secret_too():
    told = difference(File("a = 1\n"), "a = 1\npassword =\n    hunter2\nb = 2\n")
    assert told == (f"+ {HIDDEN}", f"+ {HIDDEN}", "+ b = 2")


def test_a_private_key_is_never_shown_wherever_somebody_puts_it():
    key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----\n"
    assert difference(File("a = 1\n"), f"a = 1\n{key}") == ()
    assert not shown(File(key))


def test_the_text_of_a_file_that_not_everybody_may_read_is_not_even_asked_for(parts: tuple[Component, ...]):
    asked = plan.plan(declared.context(mail()), parts, {})["files"]
    closed = {path for path, (mode, *_) in asked.items() if mode[-1] == "0"}
    assert USERS in closed
    assert {path for path in closed if asked[path][4]} == set()


def test_of_a_secret_file_no_more_is_said_than_that_it_differs(parts: tuple[Component, ...]):
    (one,) = judged(parts, file(USERS, text="ana:hunter2"))
    assert (one.seen, one.diff) == (NOT_SHOWN, ())


def test_a_long_difference_is_cut_and_counted():
    told = difference(File(""), "".join(f"line {number}\n" for number in range(100)))
    assert (len(told), told[-1]) == (13, "… and 88 more lines")


def test_a_file_as_the_last_run_left_it_is_what_mail_yaml_says_anew(parts: tuple[Component, ...]):
    (one,) = judged(parts, file(MAIN_CF, now="p" * 64, put="p" * 64, text=""))
    assert one.cause == "declared"


def test_a_file_that_is_neither_as_declared_nor_as_it_was_left_was_changed_by_hand(parts: tuple[Component, ...]):
    (one,) = judged(
        parts, file(MAIN_CF, put=digest(parts, MAIN_CF), text=f"{plan.files(parts)[MAIN_CF].content!s}# by hand\n")
    )
    assert (one.cause, one.touches) == ("hand", "Postfix")
    assert one.diff == ("+ # by hand",)
    assert one.remedy == "run deploys/mail.py puts it back; to keep it: postfix.parameters in mail.yaml"


def test_where_mail_yaml_changed_too_it_is_said_that_either_may_be_it(parts: tuple[Component, ...]):
    (one,) = judged(parts, file(MAIN_CF, put="p" * 64, text=""))
    assert one.cause == "either"


@pytest.mark.parametrize(("same", "cause"), [(True, "hand"), (False, "either"), (None, "either")])
def test_a_host_of_an_older_posthaus_says_what_it_can(parts: tuple[Component, ...], same: bool | None, cause: str):
    (one,) = judged(parts, file(MAIN_CF, text=""), same=same)
    assert one.cause == cause


def test_a_table_that_the_host_made_is_compared_with_what_it_made(parts: tuple[Component, ...]):
    (one,) = judged(parts, file(BUILT, put="p" * 64))
    assert (one.cause, one.seen) == ("hand", "is not what Posthaus made of the table")


def test_a_service_that_has_not_read_a_changed_file_is_no_second_change(parts: tuple[Component, ...]):
    unit = Unit(**{**vars(RUNNING), "newest_reload": 20.0})
    judge = Judge(parts, {"files": [file(MAIN_CF, text="")]}, True)
    assert [one.about for one in judge.results({"postfix.service": unit})] == [MAIN_CF]
    assert [one.about for one in Judge(parts, {}, True).results({"postfix.service": unit})] == ["postfix.service"]


def test_a_disabled_service_is_named_beside_the_file_that_it_has_not_read(parts: tuple[Component, ...]):
    unit = Unit(**{**vars(RUNNING), "newest_reload": 20.0, "enabled": False})
    found = Judge(parts, {"files": [file(MAIN_CF, text="")]}, True).results({"postfix.service": unit})
    assert {one.about: one.seen for one in found} == {
        MAIN_CF: "content differs",
        "postfix.service": "not enabled: it would not come back after a reboot",
    }


def test_a_masked_service_is_called_so(parts: tuple[Component, ...]):
    (one,) = Judge(parts, {}, True).results({"postfix.service": Unit(masked=True)})
    assert (one.seen, one.mends) == ("masked: systemd may not start it", True)


HAND = Finding(
    "files", MAIN_CF, "content differs", "Postfix", "run deploys/mail.py puts it back", diff=("+ a = \x1b[31m1",)
)
ANEW = Finding("files", "/etc/dovecot/users", "content differs", "Dovecot", "", "declared")


def test_the_report_says_what_to_whom_and_what_to_do():
    found = Report(
        (HAND, ANEW), ("+ maria@example.com",), (), "mail.example.com", datetime(2026, 1, 1, tzinfo=UTC), 2.0
    )
    assert report.lines(found) == [
        "mail.example.com: 1 change by hand, looked in 2.0 s",
        "  Postfix",
        f"    {MAIN_CF}: content differs",
        "      + a = \\x1b[31m1",
        "      -> run deploys/mail.py puts it back",
        "  mail.yaml (or Posthaus) says otherwise since the last run, which is no change by hand",
        "    + maria@example.com",
        "    /etc/dovecot/users: as the last run left it",
    ]
    assert json.loads(report.as_json(found))["drift"][0]["about"] == MAIN_CF
    assert MAIN_CF in report.as_html(found)


@pytest.mark.parametrize(
    ("found", "code"),
    [(Report(), 0), (Report((ANEW,)), 0), (Report((HAND,)), 1), (Report((HAND,), unlooked=("keys: OSError",)), 2)],
)
def test_the_exit_code_is_0_for_none_1_for_drift_and_2_where_nobody_could_look(found: Report, code: int):
    assert found.code == code


def test_a_host_without_drift_says_so():
    assert report.lines(Report(host="mail.example.com")) == [
        "mail.example.com: nothing was changed by hand, looked in 0.0 s"
    ]
    assert "nothing was changed by hand" in report.as_html(Report(host="mail.example.com"))
