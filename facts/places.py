"""Where Dovecot of a host keeps the messages of its people, as it says itself."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase, StringCommand
from typing_extensions import override

from facts import lists
from facts.record import Record

# A lookup for each, as deliveries make it. Whom it does not know has no lines.
_COMMAND = """export PATH="$PATH:/usr/sbin"
echo "driver $(doveconf -h mail_driver 2>/dev/null)"
# doveconf shows 2.4's general default, fs, whether somebody set it or not; of a Maildir that is not the default
echo "layout $(grep -rhs '^ *mailbox_list_layout *=' /etc/dovecot | tail -n 1 | sed 's/.*= *//')"
echo "sieve $(doveconf -h plugin/sieve 2>/dev/null)"
own='s/^ *\\(sieve_script_\\)\\{0,1\\}active_path = //p'
echo "active $(doveconf -n 2>/dev/null | sed -n "/^sieve_script personal {/,/^}/ $own")"
printf '%s\\n' "$names" | while IFS= read -r name; do
    doveadm user "$name" 2>/dev/null </dev/null | sed "s|^|$name |"
done"""


@dataclass(frozen=True)
class Place(Record):
    """``messages``: such as ``maildir:/var/vmail/example.org/tito``; ``sieve``: the path of the active script."""

    messages: str
    home: str = ""
    sieve: str = ""


class Places(FactBase[dict[str, Place]]):
    """The place of each of ``names`` that Dovecot knows.

    ``pyinfra inventory.py fact facts.places.Places names='["tito@example.org"]'``
    """

    default = dict

    @override
    def command(self, names: list[str]) -> StringCommand:
        return StringCommand(lists.lines(names), _COMMAND)

    @override
    def process(self, output: list[str]) -> dict[str, Place]:
        told: dict[str, dict[str, str]] = {}
        general: dict[str, str] = {}
        for line in output:
            name, _, rest = line.partition(" ")
            key, tab, value = rest.partition("\t")
            if tab:
                told.setdefault(name, {})[key] = value
            else:
                general[name] = rest
        found = {name: _place(fields, general) for name, fields in told.items()}
        return {name: place for name, place in found.items() if place.messages}


def _place(fields: dict[str, str], general: dict[str, str]) -> Place:
    """2.3 says ``mail``, driver and path in one; 2.4 says ``mail_path``, and ``mail_driver`` where it is another."""
    home = fields.get("home", "").rstrip("/")
    if path := fields.get("mail_path"):
        driver = fields.get("mail_driver") or general.get("driver", "")
        layout = f":LAYOUT={general['layout']}" if general.get("layout") else ""
        place = f"{driver}:{_whole(path, home)}{layout}" if driver else ""
        return Place(place, home, _own(general.get("active", ""), home))
    driver, colon, path = fields.get("mail", "").partition(":")
    return Place(f"{driver}:{_whole(path, home)}" if colon else "", home, _active(general.get("sieve", ""), home))


def _whole(path: str, home: str) -> str:
    return f"{home}{path[1:]}" if path.startswith("~") and home else path


def _active(setting: str, home: str) -> str:
    """Of ``file:~/sieve;active=~/.dovecot.sieve``, the active script."""
    return _own(dict(word.partition("=")[::2] for word in setting.split(";")).get("active", ""), home)


def _own(path: str, home: str) -> str:
    """``path`` of one person, where it is known for sure."""
    return _whole(path, home) if home and "%" not in path else ""
