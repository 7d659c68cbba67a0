"""script/mailbox and script/alias: what they change in mail.yaml, and that all else stays as it was, to the byte."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from argon2 import PasswordHasher

from deploys.config import read
from deploys.config.addresses.options import Mailbox
from deploys.editing import alias, mailbox, run, words
from deploys.editing.declared import Declared, Refused
from deploys.editing.scalars import scalar
from deploys.editing.yamltext import Text
from tests.settings import ARGON2, ROOT, SHA512

WRITTEN = f"""# Our school.
hostname:   mail.example.org   # aligned
domains: [example.org, bücher.example]
mailboxes:
  # the head
  tito@example.org: {{password: "{ARGON2}",   name: Tito}}   # since 2019
  Iqbal@Example.org:
      password: '{SHA512}'
      name: "Iqbal"   # four columns

# Lists.
aliases:
    info@example.org:
    - tito@example.org
    - iqbal@example.org   # he too
webmail: {{
  hostname: webmail.example.org,   # a name of its own
  title: Ours
}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mail.yaml"
    path.write_text(WRITTEN, encoding="utf-8")
    path.chmod(0o640)
    return path


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def gone_and_new(path: Path, before: str = WRITTEN) -> tuple[list[str], list[str]]:
    """The lines that only the file of before has, and those that only today's has."""
    old, new = before.splitlines(), lines(path)
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_a_new_mailbox_is_written_as_its_neighbours_are_and_nothing_else_moves(file: Path, capsys: Any):
    assert mailbox.main(["add", "María@x", "--generate", "--file", str(file)]) == 1
    assert mailbox.main(
        ["add", "Maria@BÜCHER.example", "--name", "María: x", "--quota", "5G", "--generate", "--file", str(file)]
    ) == 0  # fmt: skip
    gone, new = gone_and_new(file)
    assert gone == []
    assert [line for line in new if "password" not in line] == [
        "  maria@bücher.example:", '      name: "María: x"', "      quota: 5G",
    ]  # fmt: skip
    assert lines(file).index("  maria@bücher.example:") < lines(file).index("# Lists.")
    made = read.settings(file).mailboxes["maria@xn--bcher-kva.example"]
    said = capsys.readouterr().out
    assert "+ maria@xn--bcher-kva.example: María: x, quota 5G" in said
    shown = said.strip().rpartition(" ")[2]
    assert PasswordHasher().verify((made.password or "").removeprefix("{ARGON2ID}"), shown)
    assert "argon2" not in said


def test_the_first_mailbox_of_a_server_makes_the_section(file: Path):
    for head in (
        "hostname: mail.example.org\ndomains: [example.org]",
        'hostname: "mail.example.org"\ndomains:\n- example.org\nmailboxes:  # none yet\n',
    ):
        file.write_text(head, encoding="utf-8")
        assert mailbox.main(["add", "a@example.org", "--generate", "--file", str(file)]) == 0
        assert list(read.settings(file).mailboxes) == ["a@example.org"]
        assert file.read_text(encoding="utf-8").startswith(head.rstrip())


def test_mailboxes_in_one_line_of_braces_get_another_within_them(file: Path):
    for before in (
        "{}",
        f'{{"b@example.org": {{"password": "{ARGON2}"}}}}',
        f"{{\n  b@example.org: {{password: '{ARGON2}'}},  # b\n}}",
    ):
        text = f"hostname: mail.example.org\ndomains: [example.org]\nmailboxes: {before}\n"
        file.write_text(text, encoding="utf-8")
        assert mailbox.main(["add", "a@example.org", "--generate", "--file", str(file)]) == 0
        assert "a@example.org" in read.settings(file).mailboxes
        assert mailbox.main(["remove", "a@example.org", "--file", str(file)]) == (0 if "b@" in before else 1)
        if "b@" in before:
            assert file.read_text(encoding="utf-8") == text


def test_a_new_password_takes_the_old_ones_place(file: Path):
    for number, address in ((5, "TITO@example.org"), (7, "iqbal@example.org")):
        before = lines(file)
        assert mailbox.main(["passwd", address, "--generate", "--file", str(file)]) == 0
        after = lines(file)
        assert [at for at, line in enumerate(after) if line != before[at]] == [number]
        assert "$argon2id$" in after[number]
    assert lines(file)[5].endswith(",   name: Tito}   # since 2019")
    assert len(lines(file)) == len(WRITTEN.splitlines())


def test_whoever_is_disabled_keeps_everything_and_is_enabled_to_the_byte(file: Path, capsys: Any):
    for address in ("tito@example.org", "iqbal@example.org"):
        assert mailbox.main(["disable", address, "--file", str(file)]) == 0
        assert not read.settings(file).mailboxes[address].login
        assert mailbox.main(["disable", address, "--file", str(file)]) == 1
        assert mailbox.main(["enable", address, "--file", str(file)]) == 0
        assert file.read_text(encoding="utf-8") == WRITTEN
    said = capsys.readouterr()
    assert "~ tito@example.org: can no longer log in; messages go on arriving" in said.out
    assert "~ tito@example.org: may log in again" in said.out
    assert "cannot log in already; script/mailbox enable tito@example.org" in said.err


def test_who_leaves_leaves_no_list_pointing_nowhere(file: Path, capsys: Any):
    assert mailbox.main(["remove", "iqbal@example.org", "--file", str(file)]) == 0
    gone, new = gone_and_new(file)
    assert new == []
    assert gone == [*WRITTEN.splitlines()[6:9], "    - iqbal@example.org   # he too"]
    said = capsys.readouterr().out
    assert "– iqbal@example.org: no mailbox any more; with the next run its messages go to the archive" in said
    assert "~ info@example.org no longer leads to iqbal@example.org" in said


@pytest.mark.skipif("formerly" not in Mailbox.model_fields, reason="NOT PROVED: no option formerly")
def test_who_has_another_name_keeps_everything_and_everywhere(file: Path, capsys: Any):
    file.write_text(WRITTEN + "postmaster: iqbal@example.org\n", encoding="utf-8")
    assert mailbox.main(["rename", "iqbal@example.org", "I.Qureshi@example.org", "--file", str(file)]) == 0
    mail = read.settings(file)
    assert list(mail.mailboxes) == ["tito@example.org", "i.qureshi@example.org"]
    assert mail.aliases["info@example.org"] == ("tito@example.org", "i.qureshi@example.org")
    assert mail.postmaster == "i.qureshi@example.org"
    assert [line for line in lines(file) if "iqbal@" in line.lower()] == ["      formerly: iqbal@example.org"]
    assert len(lines(file)) == len(WRITTEN.splitlines()) + 2
    for name, earlier in (("q", "[iqbal@example.org, i.qureshi@example.org]"), ("iq", None)):
        last = next(address for address in read.settings(file).mailboxes if not address.startswith("tito@"))
        assert mailbox.main(["rename", last, f"{name}@example.org", "--file", str(file)]) == 0
        assert earlier is None or f"      formerly: {earlier}" in lines(file)
    former = yaml.safe_load(file.read_text(encoding="utf-8"))["mailboxes"]["iq@example.org"]["formerly"]
    assert former == ["iqbal@example.org", "i.qureshi@example.org", "q@example.org"], "no name of before is given up"
    assert mailbox.main(["remove", "iq@example.org", "--to", "tito@example.org", "--file", str(file)]) == 0
    aliases = read.settings(file).aliases
    assert all(aliases[name] == ("tito@example.org",) for name in ("iq@example.org", *former)), aliases


@pytest.mark.skipif("members" not in Mailbox.model_fields, reason="NOT PROVED: no option members")
def test_who_leaves_is_no_member_of_a_shared_mailbox_any_more(file: Path):
    shared = "  team@example.org: {members: [tito@example.org, iqbal@example.org]}\n"
    text = WRITTEN.replace("\n\n# Lists.", f"\n{shared}\n# Lists.").replace(
        "{members", f'{{password: "{ARGON2}", members'
    )
    file.write_text(text, encoding="utf-8")
    assert mailbox.main(["remove", "iqbal@example.org", "--file", str(file)]) == 0
    (left,) = yaml.safe_load(file.read_text(encoding="utf-8"))["mailboxes"]["team@example.org"]["members"]
    assert left == "tito@example.org"
    assert mailbox.main(["remove", "tito@example.org", "--file", str(file)]) == 1


def test_mail_that_would_reach_nobody_needs_an_heir(file: Path, capsys: Any):
    text = WRITTEN + "catch_all: {example.org: iqbal@example.org}\npostmaster: iqbal@example.org\n"
    file.write_text(text, encoding="utf-8")
    assert mailbox.main(["remove", "iqbal@example.org", "--file", str(file)]) == 1
    assert "catch_all.example.org, postmaster would lead to nobody; say --to ADDRESS" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == text
    assert mailbox.main(["remove", "iqbal@example.org", "--to", "tito@example.org", "--file", str(file)]) == 0
    mail = read.settings(file)
    assert mail.aliases["iqbal@example.org"] == ("tito@example.org",)
    assert mail.aliases["info@example.org"] == ("tito@example.org",)
    assert (mail.catch_all["example.org"], mail.postmaster) == ("tito@example.org", "tito@example.org")


def test_a_list_grows_and_shrinks_as_it_is_written(file: Path, capsys: Any):
    flow = WRITTEN.replace("aliases:\n", "aliases:\n    a@example.org: [tito@example.org, iqbal@example.org]  # a\n")
    file.write_text(flow, encoding="utf-8")
    for name in ("info@example.org", "a@example.org"):
        assert alias.main(["add", name, "X@elsewhere.example", "tito@example.org", "--file", str(file)]) == 0
        assert read.settings(file).aliases[name][-1] == "x@elsewhere.example"
        assert alias.main(["remove", name, "x@elsewhere.example", "--file", str(file)]) == 0
        assert file.read_text(encoding="utf-8") == flow
    said = capsys.readouterr()
    assert "~ info@example.org now also leads to x@elsewhere.example" in said.out
    assert "warning: " in said.err
    assert "forwards to x@elsewhere.example" in said.err
    assert alias.main(["remove", "a@example.org", "--file", str(file)]) == 0
    assert file.read_text(encoding="utf-8") == WRITTEN
    assert alias.main(["remove", "info@example.org", "--file", str(file)]) == 0
    assert "aliases" not in yaml.safe_load(file.read_text(encoding="utf-8"))
    assert "# Lists." in lines(file)
    assert alias.main(["add", "all@bücher.example", "tito@example.org", "--file", str(file)]) == 0
    assert read.settings(file).aliases == {"all@xn--bcher-kva.example": ("tito@example.org",)}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["mailbox", "add", "tito@example.org"], "has a mailbox already; script/mailbox passwd tito@example.org"),
        (["mailbox", "add", "tito@other.example", "--generate"], "other.example is not one of domains"),
        (["mailbox", "add", "a+b@example.org", "--generate"], "holds +, which only tags mail"),
        (["mailbox", "add", "nobody", "--generate"], "is not a mail address"),
        (["mailbox", "add", "a@example.org", "--generate", "--quota", "much"], "is not a size"),
        (["mailbox", "passwd", "noone@example.org"], "noone@example.org is no mailbox in"),
        (["mailbox", "rename", "tito@example.org", "iqbal@example.org"], "iqbal@example.org has a mailbox already"),
        (["mailbox", "enable", "tito@example.org"], "may log in already"),
        (["mailbox", "remove", "tito@example.org", "--to", "Tito@example.org"], "names tito@example.org itself"),
        (["alias", "add", "b@example.org", "nobody@example.org"], "is neither a mailbox nor an alias"),
        (["alias", "add", "tito@example.org", "iqbal@example.org"], "a mailbox of this name exists"),
        (["alias", "remove", "b@example.org"], "b@example.org is no alias in"),
        (["alias", "remove", "info@example.org", "x@example.org"], "does not lead to x@example.org"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence_and_the_file_stays(
    file: Path, arguments: list[str], told: str, capsys: Any
):
    work = {"mailbox": mailbox, "alias": alias}[arguments[0]].main
    assert work([*arguments[1:], "--file", str(file)]) == 1
    said = capsys.readouterr()
    assert told in said.err
    assert "argon2" not in said.err + said.out
    assert "password" not in said.out.lower()
    assert file.read_text(encoding="utf-8") == WRITTEN
    assert [path.name for path in file.parent.iterdir()] == ["mail.yaml"]


def test_nothing_is_written_by_way_of_a_trial(file: Path, capsys: Any):
    assert mailbox.main(["add", "new@example.org", "--dry", "--file", str(file)]) == 0
    assert alias.main(["add", "info@example.org", "x@elsewhere.example", "--dry", "--file", str(file)]) == 0
    assert "+ new@example.org" in capsys.readouterr().out
    assert file.read_text(encoding="utf-8") == WRITTEN


def test_what_an_anchor_shares_does_not_change_behind_somebodys_back(file: Path, capsys: Any):
    shared = f"""hostname: mail.example.org
domains: [example.org]
mailboxes:
  a@example.org: &usual {{password: "{ARGON2}"}}
  b@example.org: *usual
  c@example.org: {{password: "{SHA512}"}}
"""
    file.write_text(shared, encoding="utf-8")
    for arguments in (
        ["passwd", "a@example.org", "--generate"],
        ["disable", "b@example.org"],
        ["remove", "a@example.org", "--to", "c@example.org"],
    ):
        assert mailbox.main([*arguments, "--file", str(file)]) == 1
        assert file.read_text(encoding="utf-8") == shared
    said = capsys.readouterr().err
    assert "b@example.org would change along" in said
    assert "by hand" in said
    assert mailbox.main(["disable", "c@example.org", "--file", str(file)]) == 0


def test_the_file_is_replaced_whole_with_its_mode_its_line_ends_and_through_links(file: Path, tmp_path: Path):
    dos = b"\xef\xbb\xbf" + WRITTEN.replace("\n", "\r\n").encode()
    file.write_bytes(dos)
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    assert mailbox.main(["disable", "iqbal@example.org", "--file", str(link)]) == 0
    assert link.is_symlink()
    assert file.read_bytes() == dos.replace(b"# four columns\r\n", b"# four columns\r\n      login: false\r\n")
    assert file.stat().st_mode & 0o777 == 0o640


def test_what_somebody_else_writes_meanwhile_is_not_overwritten(file: Path):
    opened = run.opened(file)
    file.write_text(WRITTEN + "# more\n", encoding="utf-8")
    with pytest.raises(Refused, match="changed by somebody else"):
        run.write(opened, WRITTEN)
    assert file.read_text(encoding="utf-8").endswith("# more\n")


def test_who_has_a_mailbox_is_a_table_and_json(file: Path, capsys: Any):
    assert mailbox.main(["disable", "iqbal@example.org", "--file", str(file)]) == 0
    capsys.readouterr()
    assert mailbox.main(["list", "--file", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "mailbox            quota  login  aliases           name",
        "tito@example.org   1G     yes    info@example.org  Tito",
        "iqbal@example.org  1G     no     info@example.org  Iqbal",
    ]
    assert mailbox.main(["list", "--json", "--file", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)[1] == {
        "mailbox": "iqbal@example.org", "name": "Iqbal", "quota": 1 << 30, "login": False,
        "aliases": ["info@example.org"],
    }  # fmt: skip
    assert alias.main(["list", "--file", str(file)]) == 0
    assert "info@example.org  tito@example.org, iqbal@example.org" in capsys.readouterr().out


def test_a_password_comes_by_standard_input_and_weak_ones_are_refused(file: Path):
    def passwd(secret: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deploys.editing.mailbox", "passwd", "tito@example.org", "--file", file, *more],
            cwd=ROOT, input=f"{secret}\n", capture_output=True, text=True, check=False,
        )  # fmt: skip

    refused = passwd("Summer2026!")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is among the first that anybody tries" in refused.stderr
    assert file.read_text(encoding="utf-8") == WRITTEN
    done = passwd('it\'s "long": enough')
    assert done.returncode == 0, done.stderr
    assert "long" not in done.stdout + done.stderr
    hashed = (read.settings(file).mailboxes["tito@example.org"].password or "").removeprefix("{ARGON2ID}")
    assert PasswordHasher().verify(hashed, 'it\'s "long": enough')


def test_unix_users_get_a_hash_that_unix_reads(file: Path):
    head = "hostname: mail.example.org\ndomains: [example.org]\naccounts: system\n"
    file.write_text(f'{head}mailboxes:\n  a@example.org: {{password: "{SHA512}"}}\n', encoding="utf-8")
    assert mailbox.main(["passwd", "a@example.org", "--generate", "--file", str(file)]) == 0
    assert "{BLF-CRYPT}$2b$" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "value",
    ["no", "12:30", "2024-01-01", "0123", "1e3", "~", "null", "a: b", "a #b", "[x]", "*x",
      "é\u2028x", "\x85", " x ", "'", 'say "x"', "Müller, Jörg", "5G", "José", "-"]
)  # fmt: skip
def test_any_text_is_read_back_as_it_was(value: str):
    for text in (f"a: {scalar(value)}\n", f"{{a: {scalar(value)}, b: 1}}\n", f"{scalar(value)}: a\n"):
        found = yaml.safe_load(text)
        assert value in (found.get("a"), next(iter(found)))


def test_a_change_of_text_leaves_the_comments_of_others(tmp_path: Path):
    text = Text("a:\n  b: 1  # b\n  # about c\n  c: 'two\n    lines'\n\n# about d\nd: [1, 2]  # d\n")
    assert text.drop(("a", "b")).text == text.text.replace("  b: 1  # b\n", "")
    assert text.put(("a",), "e", 3).text == text.text.replace("lines'\n", "lines'\n  e: 3\n")
    assert text.drop(("d", 0)).text == text.text.replace("[1, 2]", "[2]")
    assert text.drop(("d", 1)).text == text.text.replace("[1, 2]", "[1]")
    assert Declared(tmp_path / "x", text).value == {"a": {"b": 1, "c": "two lines"}, "d": [1, 2]}


def test_words_for_every_change_of_a_mailbox(file: Path):
    before = read.settings(file)
    iqbal = before.mailboxes["iqbal@example.org"].model_copy(update={"quota": 0, "login": False})
    changed = before.model_copy(update={"mailboxes": {**before.mailboxes, "tito@example.org": iqbal}})
    told = words.changes(before, changed)["tito@example.org"]
    assert told == (
        "~ tito@example.org: a new password, name Iqbal, quota the usual to without limit, "
        "can no longer log in; messages go on arriving"
    )
