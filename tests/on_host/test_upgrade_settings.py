"""What Dovecot 2.4 no longer reads of 2.3's settings: asked of both, so that nobody is told of lines that are fine."""

from __future__ import annotations

import re

import pytest

from deploys.upgrading.dialect import settings
from lab.mailhost import MailHost

pytestmark = pytest.mark.host

REFUSED = re.compile(r"Unknown setting|Unknown section|is missing section name|is a named list filter")
BLOCKS = ("plugin", "passdb", "userdb")  # that is a setting of ours, too: whether such a block may be there at all
# One doveconf for each, for it ends at the first mistake. What it says of values does not count.
ASKS = r"""while read -r name; do
    printf 'dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n%b\n' "${name#* }" >/tmp/asked.conf
    printf '%s|%s\n' "${name%% *}" "$(doveconf -c /tmp/asked.conf -n 2>&1 >/dev/null | head -n 1)"
done
rm -f /tmp/asked.conf
"""


def text(name: str) -> str:
    """The setting in its blocks, in one line, as printf(1) reads it."""
    *blocks, last = name.split("/")
    inner = f"{last} {{\\n}}" if name in BLOCKS else f"{last} ="
    for block in reversed(blocks):
        inner = f"{block} x {{\\n{inner}\\n}}"
    return inner


@pytest.mark.releases("debian-13")
def test_dovecot_2_4_refuses_what_is_said_to_be_refused_and_nothing_else(mail_host: MailHost):
    lines = "".join(f"{name} {text(name)}\n" for name in settings())
    said = dict(line.split("|", 1) for line in mail_host.run(ASKS, input=lines).stdout.splitlines())
    assert {name: not REFUSED.search(answer) for name, answer in said.items()} == dict(settings())


@pytest.mark.releases("debian-12")
def test_all_that_dovecot_2_3_lets_one_set_was_asked(mail_host: MailHost):
    names: set[str] = set(BLOCKS)
    blocks: list[str] = []
    for line in mail_host.run("doveconf -a 2>/dev/null").stdout.splitlines():
        word, *rest = line.split("#")[0].split() or [""]
        if rest and rest[-1] == "{":
            blocks.append(word)
        elif word == "}":
            blocks.pop()
        elif rest and rest[0] == "=" and "plugin" not in blocks:
            names.add("/".join([*(block for block in blocks if block != "protocol"), word]))
    assert names == set(settings())
