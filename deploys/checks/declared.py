"""The files, directories and keys that a run with these options leaves on a host, and lines on those that differ.

Rendered by the run's own functions, here on the workstation: the host gets digests, and says nothing of any content.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from deploys.checks.observation import Observation
from deploys.checks.result import CONVERGE, Check, CheckResult
from deploys.components.apache import render as apache
from deploys.components.autoconfig import render as clients
from deploys.components.dovecot import render as dovecot
from deploys.components.dovecot.deploy import private_directories
from deploys.components.host.deploy import UNITS
from deploys.components.mta_sts import render as sts
from deploys.components.postfix import render as postfix
from deploys.components.postfix.tables import owners
from deploys.components.postsrsd import render as srs
from deploys.components.rspamd import render as rspamd
from deploys.components.rspamd.deploy import USER
from deploys.components.rspamd.keys import names
from deploys.components.squirrelmail import deploy as squirrelmail
from deploys.components.squirrelmail.render import HOME
from deploys.components.squirrelmail.source import squirrelmail_tree
from deploys.components.tls import render as tls
from deploys.components.tls.options import DIRECTORY, SNI_DIRECTORY
from deploys.components.unbound import render as unbound
from deploys.components.unbound.options import DIRECTORY as UNBOUND
from deploys.config.mailserver import MailServer
from deploys.takeover import look as takeover
from facts.acme import LETSENCRYPT
from facts.archive import STAMP
from facts.foreign import ForeignState
from facts.machine import MachineState
from facts.probe import PROBE
from operations.directories import Directory
from operations.file import File

GROUP = "files"
NOTHING: dict[str, Any] = {"files": {}, "directories": {}, "keys": {}, "code": {}}


def trees(mail: MailServer, machine: MachineState, foreign: ForeignState) -> dict[str, Mapping[str, File]]:
    """``{target: {path: file}}`` of every config.tree of a run, on a host where others configured ``foreign``."""
    series = srs.known(machine.srs_series)
    rewriting = srs.maps(series) if mail.forwards else None
    found: dict[str, Mapping[str, File]] = {
        UNITS: mail.units,
        dovecot.DIRECTORY: dovecot.configuration(
            mail.dovecot, mail.directory, mail.tls, machine.dovecot_series, machine.ipv6, mail.learn_endpoint
        ),
        postfix.DIRECTORY: postfix.configuration(
            mail.postfix_settings(rewriting, machine.seven_bit), mail.hostname, mail.directory, mail.tls, machine.ipv6
        ),
    }
    if mail.resolves:
        found[UNBOUND] = unbound.configuration(mail.resolver, machine.ipv6)
    if mail.filter:
        found[rspamd.DIRECTORY] = rspamd.configuration(
            mail.filter, mail.records, mail.signers, owners(mail.directory), mail.trusted_networks, mail.nameserver
        )
    if mail.forwards:
        found[srs.target(series)] = srs.configuration(series, mail.domains)
    if mail.sts:
        found[sts.DIRECTORY] = sts.configuration()
    return {**found, **_web(mail, machine.php_version, foreign), **_certificates(mail)}


def _web(mail: MailServer, php: str, foreign: ForeignState) -> dict[str, Mapping[str, File]]:
    found: dict[str, Mapping[str, File]] = {}
    others = takeover.beside(mail, foreign)
    if mail.webmail and php:
        shared = takeover.php_beside(mail, foreign)
        found |= squirrelmail.trees(
            mail.webmail, mail.directory, mail.hostname, mail.tls, php, mail.message_size, shared
        )
    if mail.pages:
        found[clients.DIRECTORY] = clients.pages(mail.client_site, mail.policies, bool(mail.webmail))
    if mail.webmail or mail.pages:
        web = (mail.webmail or None, mail.hostname, mail.tls, php, mail.message_size, mail.apache_pages)
        found[apache.TARGET] = apache.files(apache.apache2_conf(*web, others), bool(mail.pages), True, bool(others))
    elif mail.tls.by_http:
        found[apache.TARGET] = apache.files(apache.challenges_conf(mail.hostname, others), False, False, bool(others))
    return found


def _certificates(mail: MailServer) -> dict[str, Mapping[str, File]]:
    found: dict[str, Mapping[str, File]] = {}
    if mail.tls.certificate and mail.tls.key:
        found[DIRECTORY] = tls.files(mail.tls.certificate.read_bytes(), mail.tls.key.read_bytes())
    if mail.tls.sni:
        pairs = {name: (one.certificate.read_bytes(), one.key.read_bytes()) for name, one in mail.tls.sni.items()}
        found[SNI_DIRECTORY] = tls.files_by_sni(pairs)
    if mail.tls.acme:
        found[LETSENCRYPT] = tls.letsencrypt(mail.tls.acme)
    return found


def directories(mail: MailServer) -> dict[str, Directory]:
    """Every directories.present of a run."""
    return {**private_directories(mail.vmail.name), **(squirrelmail.PLACES if mail.webmail else {})}


def keys(mail: MailServer) -> dict[str, tuple[str, str, str]]:
    """Keys and secrets that a run makes on the host: path to mode, user, group."""
    own = (f"{DIRECTORY}/privkey.pem", f"{DIRECTORY}/ca/ca.key", f"{DIRECTORY}/ca/leaf.key", f"{PROBE}/password")
    signing = [f"{rspamd.KEYS}/{name}.key" for name in names(mail.records, mail.signers)] if mail.filter else []
    return {**dict.fromkeys(own, ("0600", "root", "root")), **dict.fromkeys(signing, ("0640", "root", USER))}


def code(mail: MailServer) -> dict[str, Any]:
    """SquirrelMail's files as they are pinned. Raises DownloadError where this workstation has not got them."""
    if not mail.webmail:
        return {}
    with tarfile.open(fileobj=io.BytesIO(squirrelmail_tree(mail.webmail.pinned))) as archive:
        packed = {one.name: archive.extractfile(one) for one in archive if one.isreg()}
        digests = {path: hashlib.sha256(file.read()).hexdigest() for path, file in packed.items() if file}
    return {"top": HOME, "files": digests, "ours": [STAMP, "config/config_local.php"]}


def wanted(mail: MailServer, machine: MachineState, foreign: ForeignState) -> dict[str, Any]:
    """All of it as remote/disk.py compares it."""
    files = {
        f"{target}/{path}": file
        for target, tree in trees(mail, machine, foreign).items()
        for path, file in tree.items()
    }
    there = directories(mail)
    return NOTHING | {
        "files": {path: [one.mode, one.user, one.group, one.sha256] for path, one in files.items()},
        "directories": {path: [one.mode, one.user, one.group] for path, one in there.items()},
        "keys": {path: list(meant) for path, meant in keys(mail).items() if path not in files},
    }


def lines(seen: Sequence[Observation], asked: Mapping[str, Any]) -> list[CheckResult]:
    """A line for all that is as it should be, one for each path that is not. ``asked``: see ``wanted``."""
    found = {one.check: one for one in seen}
    number = sum(len(asked[kind]) for kind in ("files", "directories", "keys"))
    remedies = {"disk-wrong": CONVERGE, "disk-code-wrong": f"touch {HOME}/, then {CONVERGE}, which lays all of it anew"}
    remedies = {"disk-wrong": CONVERGE, "disk-code-wrong": f"touch {HOME}/, then {CONVERGE}, which lays all of it anew"}
    wrong = [
        Check(f"files.{one.name}", GROUP, one.name, "as declared").line(one.seen, False, remedies[one.check])
        for one in seen
        if one.check in remedies
    ]
    declared = Check("files.declared", GROUP, "configuration, keys, directories", "as mail.yaml makes them")
    pinned = Check("files.code", GROUP, "SquirrelMail's code", "as pinned")
    good = [
        *_summary(declared, found.get("disk"), f"{number} paths"),
        *(_summary(pinned, found.get("disk-code"), f"{len(asked['code']['files'])} files") if asked["code"] else []),
    ]
    return [*good, *wrong]


def _summary(about: Check, one: Observation | None, all_of_them: str) -> list[CheckResult]:
    if one is None or one.code is None:
        return [about.line(one.seen if one else "not looked at", None)]
    if one.code == 0:
        return [about.line(f"{all_of_them}: contents, owners, modes", True)]
    more = f"; {one.seen}" if one.seen else ""
    return [about.line(f"{one.code} of {all_of_them} are not{more}", False, CONVERGE)]
