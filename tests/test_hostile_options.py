"""Whatever mail.yaml holds, its operator gets sentences, and soon: never a traceback, never a wait."""

import os
import random
import time

import pytest
import yaml

from deploys.config.read import SettingsError, settings
from tests.settings import ARGON2, about, example

SECONDS = 1.0  # of the processor, so that a busy machine is no fault


@pytest.fixture(autouse=True)
def _soon():
    begun = time.process_time()
    yield
    assert time.process_time() - begun < SECONDS


def acme(challenge):
    return {"tls": {"acme": {"email": "a@example.org", "challenge": challenge}}}


def relayhost(secret):
    return {"host": "smtp.example.net", "username": "tito", "password": secret}


# --- One value -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("9" * 5000, "is a number of 5000 digits; write one of at most 30"),
        ("!!float abc", "begins with a tag (!)"),
        ("!!int abc", "begins with a tag (!)"),
        ("!!bool maybe", "begins with a tag (!)"),
        ("!!null x", "begins with a tag (!)"),
        ("!!binary aGFsbG8=", "begins with a tag (!)"),
        ("!!timestamp x", "a date"),
        (".inf", "another number"),
        ("-.nan", "is not a size"),
        ("1e999", "is not a size"),
        ("190:20:30", "another number"),
        ("0o17", "is not a size"),
        ("1_000", "another number"),
        ("9" * 400 + "G", "is not a size"),
        ('"\\0"', "holds a character that is no text"),
        ("[1, 2]", "is not a size"),
        ("{a: 1}", "is not a size"),
        ("yes", "is not a size"),
    ],
)
def test_a_quota_that_is_none_is_told_in_a_sentence(refusal, written, told):
    reason = refusal(yaml.safe_dump(example()) + f"quota: {written}\n")[0]
    assert " quota: " in f" {reason}"
    assert told in reason


@pytest.mark.parametrize(
    "word", ["no", "on", "Yes", "1.5", "2024-01-01", "0777", "~", "", "192.0.2.1", "[a]", "{a: b}"]
)
def test_what_yaml_takes_for_something_else_is_no_domain(refusal, word):
    reasons = refusal(yaml.safe_dump(example(domains=None)) + f"domains: [{word}]\n")
    assert any(" domains" in reason and ("write" in reason or "quote" in reason) for reason in reasons)


@pytest.mark.parametrize(
    "key", ['"a\\u001b[31m@example.org"', '"a\\nb@example.org"', '"\\0"', '"\\udfff"', "? [a, b]\n "]
)
def test_no_key_moves_the_cursor_of_who_reads_about_it(refusal, key):
    reasons = refusal(yaml.safe_dump(example()) + f"aliases:\n {key}: [alice@example.org]\n")
    assert all(reason.isprintable() for reason in reasons)


def test_a_value_of_a_megabyte_is_not_told_in_a_megabyte(refusal):
    assert len(about(refusal(hostname="a" * (1 << 20)), "hostname")) < 1100


# --- The whole file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 5000,
        "a: " + "[" * 5000 + "]" * 5000,
        "a: " + '["]",' * 5000,
        "{a: " * 5000,
        "a:\n " + "- " * 5000,
        "? " * 5000,
        "".join(" " * level + "a:\n" for level in range(500)),
    ],
)
def test_what_is_nested_without_end_is_told_so(refusal, text):
    (reason,) = refusal(text)
    assert "nested much deeper" in reason or "cannot be read as YAML" in reason


def test_what_is_nested_as_it_should_be_is_read(accepted):
    brackets = "[" * 100
    text = (
        yaml.safe_dump(example()) + f"webmail: {{title: '{brackets}'}}\naliases: {{a@example.org: [bob@example.org]}}\n"
    )
    assert accepted(text).webmail.title == brackets


@pytest.mark.parametrize("kind", ["[*{0}, *{0}]", "{{x: *{0}, y: *{0}}}"])
def test_a_billion_laughs_end_in_one_sentence(refusal, kind):
    lines = ["l0: &l0 ha"] + [f"l{n}: &l{n} {kind.format(f'l{n - 1}')}" for n in range(1, 40)]
    (reason,) = refusal("\n".join(lines) + "\n")
    assert "aliases (*) repeat more than a file can hold; write the values out" in reason


def test_one_value_said_once_and_meant_twice_is_read(accepted):
    mail = accepted(
        "hostname: mail.example.org\ndomains: [example.org]\nmailboxes:\n"
        f"  a@example.org: &usual {{password: '{ARGON2}', quota: 2G}}\n  b@example.org: *usual\n"
    )
    assert mail.mailboxes["b@example.org"].quota == 2 << 30


@pytest.mark.parametrize("what", ["directory", "fifo", "/dev/full", "/dev/zero", "huge", "sparse", "loop"])
def test_a_mail_yaml_that_is_no_file_is_told_so(tmp_path, what):
    path = strange(tmp_path, what)
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        settings(path)
    (reason,) = caught.value.lines
    assert reason.startswith(str(path))


def strange(directory, what):
    """A path that leads to anything but a file of settings."""
    path = directory / "strange"
    if what.startswith("/"):
        path.symlink_to(what)
    elif what == "directory":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "loop":
        path.symlink_to(path)
    else:
        path.touch()
        os.truncate(path, 1 << (36 if what == "sparse" else 26))
    return path


# --- Files that it names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["directory", "fifo", "/dev/full", "/dev/zero", "huge", "sparse", "loop"])
def test_a_secret_that_is_no_file_is_told_so(refusal, tmp_path, what):
    strange(tmp_path, what)
    assert "cannot be read (" in about(refusal(relayhost=relayhost({"file": "strange"})), "relayhost.password")


@pytest.mark.parametrize("what", ["directory", "fifo", "/dev/full", "huge"])
@pytest.mark.parametrize(
    ("key", "more"),
    [
        ("tls.certificate", {"tls": {"certificate": "strange", "key": "none"}}),
        ("tls.acme.ca_file", {"tls": {"acme": {"email": "a@example.org", "ca_file": "strange"}}}),
        ("tls.acme.challenge.rfc2136.key", acme({"rfc2136": {"server": "192.0.2.53", "key": {"file": "strange"}}})),
    ],
)
def test_a_certificate_or_key_that_is_no_file_is_told_so(refusal, tmp_path, what, key, more):
    strange(tmp_path, what)
    assert any(f" {key}: " in f" {reason}" and "cannot be read (" in reason for reason in refusal(**more))


@pytest.mark.parametrize("name", ["~nosuchuser/x", "~nosuchuser"])
def test_the_home_of_a_user_who_is_not_there_is_told_so(refusal, name):
    assert "a user whom this workstation does not have" in about(
        refusal(relayhost=relayhost({"file": name})), "relayhost.password"
    )
    assert any("does not have" in reason for reason in refusal(tls={"certificate": name, "key": name}))


@pytest.mark.parametrize("name", ["a\x00b", "", " ", 7, None, ["x"], {"a": 1}])
def test_what_is_no_path_is_told_so(refusal, name):
    assert refusal(relayhost=relayhost({"file": name}))


def test_the_mark_that_some_editors_put_first_is_no_part_of_a_password(accepted, tmp_path):
    (tmp_path / "secret").write_bytes(b"\xef\xbb\xbfs3cret\r\n")
    assert accepted(relayhost=relayhost({"file": "secret"})).relayhost.password.get_secret_value() == "s3cret"


def test_bytes_of_the_environment_that_are_no_text_are_told_so(refusal, monkeypatch):
    monkeypatch.setitem(os.environb, b"STRANGE", b"\xff\xfe")
    assert "is not UTF-8" in about(refusal(relayhost=relayhost({"env": "STRANGE"})), "relayhost.password")


# --- Anything anywhere -----------------------------------------------------------------------------------------------

WHOLE = example(
    aliases={"info@example.org": ["alice@example.org"]},
    catch_all={"example.org": "bob@example.org"},
    relayhost=relayhost({"env": "HOME"}),
    webmail={"hostname": "webmail.example.org", "title": "Mail", "port": 443},
    trusted_networks=["192.0.2.0/28"],
    quota="5G",
    resolver={"forward": ["192.0.2.53"]},
    filter={"blocklists": False},
    dns={"verify": False},
    postfix={"parameters": {"biff": False}},
    dovecot={"protocols": ["imap"], "settings": {"mail_debug": "yes"}},
    tls={"acme": {"email": "alice@example.org"}},
)
STRANGE = (
    "~", "''", "' '", "0", "-1", "1e400", ".inf", "9" * 5000, "yes", "2024-02-30", "0777", "0x1F", "12:30:45", "=",
    "<<", "!x y", "!!set {a, b}", "!!omap [a: 1]", "!!float x", "*none", "&a [*a]", "&a {b: *a}", "{<<: {a: b}}",
    "[[[]]]", "{a: {b: {c: d}}}", "{? [a] : b}", "{}", "[]", '"\\0"', '"\\e[2J"', '"\\n"', '"\\ud83d"', '"\\u2028"',
    '"\\U0010ffff"', "ﬀ.example", "xn--a.example", "xn--.example", "a..b", "." * 300, "'*'", "'::1%lo'", "1.2.3.4/33",
    "a@b@c", "'@'", "~nosuchuser/x", "{file: /dev/full}", "{file: .}", "{env: ''}", "{env: =}", "{file: \"\\0\"}",
    "'%s %n {0} $(id) `id`'", "|\n  a\n  b", "\t", "\x07", "{", "]", "'", "- a", "? a", "a: b: c", "--- b", "%YAML 9",
)  # fmt: skip


def places(value, above=()):
    """Every place in ``value`` that holds something, and the keys themselves."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from places(inner, (*above, key))


def reasons(path):
    """Why the settings at ``path`` are refused; nothing where they are not."""
    try:
        settings(path)
    except SettingsError as error:
        return error.lines
    return []


def plain(line):
    """Whether ``line`` may go to a terminal: something to read, short, and nothing that moves a cursor."""
    return line.strip() and line.isprintable() and line.encode() and len(line) < 1100


def with_marker(value, place, as_key):
    """A copy of ``value`` with MARKER at ``place``, or as the last key of it."""
    key, *rest = place
    changed = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        changed[key] = with_marker(value[key], rest, as_key)
    elif as_key and isinstance(value, dict):
        changed = {("MARKER" if name == key else name): inner for name, inner in value.items()}
    else:
        changed[key] = "MARKER"
    return changed


@pytest.mark.parametrize("seed", range(12))
def test_whatever_stands_wherever_is_read_or_refused_in_plain_lines(write, seed):
    chance = random.Random(seed)
    everywhere = list(places(WHOLE))
    for _ in range(25):
        marked = with_marker(WHOLE, chance.choice(everywhere), chance.random() < 0.3)
        text = yaml.safe_dump(marked, allow_unicode=True, sort_keys=False).replace("MARKER", chance.choice(STRANGE))
        assert all(plain(line) for line in reasons(write(text))), text


@pytest.mark.parametrize("seed", range(12))
def test_a_file_with_bytes_gone_wrong_is_read_or_refused_in_plain_lines(write, seed):
    chance = random.Random(seed)
    whole = yaml.safe_dump(WHOLE, allow_unicode=True, sort_keys=False).encode()
    for _ in range(25):
        text = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text))
            text[at : at + chance.choice((0, 1, 9))] = chance.choice(
                (
                    b"",
                    b"\x00",
                    b"\xff",
                    b"\xed\xa0\x80",
                    b"\t",
                    b"\n",
                    b"{",
                    b"[",
                    b"'",
                    b'"',
                    b"&a ",
                    b"*a ",
                    b"!",
                    b":",
                )
            )
        assert all(plain(line) for line in reasons(write(bytes(text)))), bytes(text)


def test_the_settings_that_go_wrong_above_are_right_before(accepted):
    assert accepted(**WHOLE).relayhost.password.get_secret_value() == os.environ["HOME"]
