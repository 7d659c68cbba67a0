"""What is asked of a host together is answered as it would be alone."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from deploys.components import all as every
from deploys.components.tls.options import DIRECTORY
from facts.directories import Directories
from facts.survey import Question, Survey, answers, kinds, question, script
from facts.tree import Tree
from facts.units import UnitState
from lab.mailhost import MailHost
from tests.on_host.test_services import declared

pytestmark = pytest.mark.host


def asked(host: MailHost, questions: list[Question[Any]]) -> list[Any]:
    """What the host answers to all of them at once."""
    groups = kinds(questions)
    said = Survey().process(host.run("sh -s", input=script(groups)).stdout.splitlines())
    told = [answers(group, said[number]) or [] for number, group in enumerate(groups)]
    found = dict(zip(chain(*groups), chain(*told), strict=True))
    return [found[one] for one in questions]


def alone(host: MailHost, one: Question[Any]) -> Any:
    """What pyinfra would make of it by itself."""
    fact = one.fact()
    command = fact.command(**one.named)
    return fact.process(host.run(str(command.get_raw_value())).stdout.splitlines())


def test_units_files_and_directories_are_as_each_by_itself(mail_host: MailHost) -> None:
    targets = mail_host.run("cat /var/lib/posthaus/trees/*/target").stdout.split()
    questions = [
        *(question(UnitState, **one.question) for one in every.services(declared(mail_host))),
        question(UnitState, unit="no-such.service"),
        question(UnitState, unit="no-such.service", instance="postfix.service", restart_on=["/etc/no such"]),
        *(question(Tree, target=target, paths=sorted(manifest(mail_host, target))) for target in targets),
        question(Directories, paths=["/var/mail/vhosts", DIRECTORY]),
        question(Directories, paths=["/etc", "/etc/passwd"]),
    ]
    together = asked(mail_host, questions)
    assert together == [alone(mail_host, one) for one in questions]
    assert all(tree.files.keys() == set(tree.manifest) for tree in together if hasattr(tree, "manifest"))


def manifest(host: MailHost, target: str) -> list[str]:
    """The paths that are ours below ``target``."""
    return host.run(
        f"cat /var/lib/posthaus/trees/{target.strip('/').replace('-', '--').replace('/', '-')}/manifest"
    ).stdout.split()


def test_what_systemd_says_of_each_unit_is_told_of_that_unit(mail_host: MailHost) -> None:
    units = [
        "dovecot.service",
        "no-such.service",
        "rspamd.service",
        "posthaus-sieve.socket",
        "systemd-journald.service",
    ]
    units += ["apache2.service", "systemd-exit.service", "postfix.service"]
    mail_host.run("systemctl disable -q rspamd.service")
    try:
        told = asked(mail_host, [question(UnitState, unit=unit) for unit in units])
        for unit, state in zip(units, told, strict=True):
            says = mail_host.run(f"systemctl is-enabled {unit}", check=False).stdout.strip()
            assert state.enabled == (says in ("enabled", "static", "alias")), unit
            assert state.active == (mail_host.run(f"systemctl is-active -q {unit}", check=False).returncode == 0), unit
            assert state.loaded == ("no-such" not in unit)
            assert not state.deleted_exe
    finally:
        mail_host.run("systemctl enable -q rspamd.service")
