"""The certificate that certbot looks after, and what became of the last order."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.ca import QUICK, TRUSTED, as_text, by_keyword
from facts.record import Record
from facts.state import ROOT

LETSENCRYPT = "/etc/letsencrypt"
LINEAGE = "posthaus"  # certbot's name for our certificate
NEXT_KEY = "next-privkey.pem"  # beside what is served: the key that comes after it
NEXT_SEEN = f"{ROOT}/next-key-seen"  # a line: its digest, and since when (seconds since 1970) the DNS surely has it
FAILURE = f"{ROOT}/acme-failure"  # a line: when (UTC), and why the last order came to nothing

# "fresh": more than a quarter of its life is left. certbot's timer renews when a third is left, or 30 days; where it
# could not, the next run tries.
_STATE = rf"""timer() {{ systemctl "$1" --quiet certbot.timer 2>/dev/null; }}
if command -v certbot >/dev/null; then
timer is-enabled && timer is-active && echo timer
ran=$(systemctl show -p LastTriggerUSec --value certbot.timer 2>/dev/null)
[ -z "${{ran#n/a}}" ] || date -d "$ran" "+ran %s"
[ "$(systemctl show -p Result --value certbot.service 2>/dev/null)" = success ] ||
journalctl -qo cat --no-pager -u certbot.service -n 40 2>/dev/null |
sed -n 's/.*Failed to renew certificate {LINEAGE} with error: /unrenewed /p' | tail -n 1
fi
cd {LETSENCRYPT} 2>/dev/null || exit 0
sed -n 's/^\(server\|authenticator\|autorenew\|reuse_key\) = /\1 /p' renewal/{LINEAGE}.conf 2>/dev/null
sed 's/^/failure /' {FAILURE} 2>/dev/null
cd live/{LINEAGE} 2>/dev/null || exit 0
said=$(openssl x509 -noout -in cert.pem -pubkey -ext subjectAltName -dates 2>/dev/null)
printf '%s\n' "$said" | grep -o 'DNS:[^,]*' | sed 's/DNS:/name /'
moment() {{ date -d "$(printf '%s\n' "$said" | sed -n "s/^$1=//p")" +%s; }}
holds() {{ key=$(openssl pkey -in "$1" -pubout 2>/dev/null) && case $said in *"$key"*) ;; *) false ;; esac; }}
begin=$(moment notBefore) end=$(moment notAfter)
[ $((4 * (end - $(date +%s)))) -gt $((end - begin)) ] && holds privkey.pem && echo fresh
cmp -s fullchain.pem "$1/fullchain.pem" && cmp -s privkey.pem "$1/privkey.pem" &&
[ "$(stat -c %a%U "$1/privkey.pem")" = 600root ] && echo served
next=$1/{NEXT_KEY}
[ "$(stat -c %a%U "$next" 2>/dev/null)" = 600root ] && ! holds "$next" && echo "next"
"""
# Which names lead to where the first one is, by the DNS alone (getent(1), -s); all asked at once.
_READY = """first=$2; shift 2
places() { getent -s dns ahosts "$1" 2>/dev/null | cut -d" " -f1 | sort -u; }
[ $# = 0 ] || here=$(places "$first")
for name in "$@"; do
  { there=$(places "$name"); [ -z "$there" ] || [ "$(printf "%s\n" $here $there | sort | uniq -d | wc -l)" = 0 ] ||
    echo "ready $name"; } &
done
wait
"""


@dataclass(frozen=True)
class AcmeState(Record):
    """``server``: the directory it comes from, None where there is none yet; ``authenticator``: certbot's plugin;
    ``names`` it covers; ``fresh``: it fits its key and lasts; ``served``: it is the one that services read; ``renews``:
    certbot's timer renews it, for the same key; ``failure``: when and why the last order came to nothing; ``trusted``:
    the certificates (PEM) that we made the host trust; ``ready``: those of the names asked about that the DNS leads to
    where the first one is; ``next``: a key that comes after the served one lies beside it; ``timer``: certbot's timer
    is enabled and waits; ``ran``: when it last went off (seconds since 1970); ``unrenewed``: why no certificate came
    of that."""

    server: str | None = None
    authenticator: str | None = None
    names: tuple[str, ...] = ()
    fresh: bool = False
    served: bool = False
    renews: bool = False
    failure: str | None = None
    trusted: str | None = None
    ready: tuple[str, ...] = ()
    next: bool = False
    timer: bool = False
    ran: int | None = None
    unrenewed: str | None = None


class AcmeCertificate(FactBase[AcmeState]):
    """What certbot has for us, and whether the services below ``directory`` read it.

    ``pyinfra inventory.py fact facts.acme.AcmeCertificate directory=/etc/ssl/posthaus``
    """

    default = AcmeState

    @override
    def requires_command(self, directory: str, optional: list[str] | None = None, first: str = "") -> str:
        return "openssl"

    @override
    def command(self, directory: str, optional: list[str] | None = None, first: str = "") -> StringCommand:
        arguments = [QuoteString(word) for word in (directory, first, *(optional or ()))]
        # The state in a shell of its own, for it may end early.
        text = f"(\n{QUICK}{TRUSTED}{_STATE}\n)\n{_READY}"
        return StringCommand("sh", "-c", QuoteString(text), "acme", *arguments, "; true")

    @override
    def process(self, output: list[str]) -> AcmeState:
        words = by_keyword(output)
        only = {word: lines[0] for word, lines in words.items()}
        return AcmeState(
            server=only.get("server"),
            authenticator=only.get("authenticator"),
            names=tuple(sorted(words.get("name", []))),
            fresh="fresh" in words,
            served="served" in words,
            renews=only.get("autorenew") != "False" and only.get("reuse_key") == "True",
            failure=only.get("failure"),
            ready=tuple(sorted(words.get("ready", []))),
            next="next" in words,
            timer="timer" in words,
            ran=int(only["ran"]) if "ran" in only else None,
            unrenewed=only.get("unrenewed"),
            trusted=as_text(words.get("trusted")) if "known" in words else None,
        )


@dataclass(frozen=True)
class Waiting(Record):
    """How long a next key has been published: ``digest`` (SHA-256 of its public half, hex) was first seen at every
    name server at ``since``; ``now`` is the host's own clock. Seconds since 1970."""

    digest: str = ""
    since: int = 0
    now: int = 0


class NextKeySeen(FactBase[Waiting]):
    """What deploys/rollover.py noted on the host when it last looked.

    ``pyinfra inventory.py fact facts.acme.NextKeySeen``
    """

    default = Waiting

    @override
    def command(self) -> str:
        return f"date +%s; cat {NEXT_SEEN} 2>/dev/null || :"

    @override
    def process(self, output: list[str]) -> Waiting:
        now, *note = output
        digest, since = note[0].split() if note else ("", "0")
        return Waiting(digest, int(since), int(now))
