"""What YAML would change or cannot read is refused by key and line."""

import pytest
import yaml

from deploys.config.read import SettingsError, settings
from tests.settings import SECRET, about, example


def test_duplicate_keys_are_named_with_both_lines(refusal):
    text = yaml.safe_dump(example()) + "catch_all:\n  example.org: alice@example.org\n  example.org: bob@example.org\n"
    line = text[: text.index("catch_all")].count("\n") + 1
    reason = about(refusal(text), "catch_all.example.org")
    assert f"stands on line {line + 1} and again on line {line + 2}; keep one" in reason


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("0123", "another number"),
        ("no", "yes or no"),
        ("12:30", "another number"),
        ("2024-01-01", "a date"),
        ("1234", "a number"),
        ("1.5", "a number"),
        ("#abc", "is empty"),
        ("~", "is empty"),
        ("0x1F", "another number"),
    ],
)
def test_what_yaml_would_turn_into_something_else_must_be_quoted(refusal, written, wrong):
    text = (
        f"hostname: mail.example.org\ndomains: [example.org]\nmailboxes:\n  a@example.org:\n    password: {written}\n"
    )
    (reason,) = refusal(text)
    assert reason.startswith("5: mailboxes.a@example.org.password: ")
    assert wrong in reason
    assert "quote" in reason
    assert len(written) < 4 or written not in reason


def test_an_octal_port_is_not_silently_another_one(refusal):
    assert "another number" in about(refusal(yaml.safe_dump(example()) + "webmail: {port: 0443}\n"), "webmail.port")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hostname: a\n\tdomains: b\n", "2: a tab indents this line; indent with spaces"),
        ("hostname: mail.example.org\ndomains: [example.org\n", "2: a { or [ that opens here is not closed"),
        (f"a:\n  b: {{password: #{SECRET}}}\nc: 1\n", "2: a { or [ that opens here is not closed"),
        (
            f"a: {{ARGON2ID}}{SECRET}\n",
            "1: a value goes on after its quote or } has closed; put the whole value in quotes",
        ),
        (f"a: *{SECRET}\n", "1: a value that begins with * must stand in quotes"),
        (f"a: '{SECRET}\n", "1: a quote that opens here is not closed"),
        ("a: 1\n b: 2\n", "2: a colon or an indentation too much"),
        ("a: [::1/128]\n", "1: a value that begins with a colon must stand in quotes"),
        ("a:\n  b: 1\n c: 2\n", "3: this line is indented unlike its neighbours; align the keys"),
        (f'a: "{SECRET}\\d"\n', "1: a backslash in double quotes means something else to YAML; use single quotes"),
        (f"a: @{SECRET}\n", "1: cannot be read as YAML; check the indentation, and put a value in quotes"),
        ('quota: "\\ud800"\n', "1: holds a character that is no text"),
        ("a: 1\n---\nb: 2\n", "2: a second document begins here"),
        ("- a\n", "does not hold keys and values; write at least hostname, domains and mailboxes"),
        ("", "is empty; write at least hostname, domains and mailboxes"),
        (b"hostname: mail.example.org\nname: \xfc\n", "2: is not UTF-8; save the file as UTF-8"),
        ("a: \x01\n", "holds a control character; write the file as plain text"),
    ],
)
def test_a_file_that_is_no_yaml_gets_one_clear_sentence(refusal, text, reason):
    (told,) = refusal(text)
    assert told.startswith(reason)


def test_a_file_that_is_not_there_gets_one_clear_sentence(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read \(No such file or directory\); write it"):
        settings(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "text", ["a: &a [*a]\n", "a: &a {b: *a}\n", "<<: {a: 1}\n", "? [a]\n: b\n", f"a: !tag {SECRET}\n"]
)
def test_yaml_for_experts_is_refused_without_a_traceback(refusal, text):
    assert refusal(text)


def test_a_file_with_a_byte_order_mark_is_read(accepted):
    assert accepted(b"\xef\xbb\xbf" + yaml.safe_dump(example()).encode()).hostname == "mail.example.org"


def test_what_an_alias_repeats_is_refused_at_its_own_place_too(refusal):
    text = "hostname: mail.example.org\ndomains: [example.org]\nmailboxes:\n"
    text += "  a@example.org: &box\n    password: 1234\n  b@example.org: *box\n"
    assert [told.split(": ")[:2] for told in refusal(text)] == [
        ["5", "mailboxes.a@example.org.password"],
        ["6", "mailboxes.b@example.org.password"],
    ]
