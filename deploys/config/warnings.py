"""Warnings: options that can be deployed, and what their operator should know."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from deploys.components.tls.options import MOST_NAMES
from deploys.config.mailserver import MailServer
from deploys.values import hashes, networks
from deploys.values.names import domain_of
from deploys.values.sizes import in_words


def warnings(mail: MailServer) -> list[str]:
    """One line for each, ``key: what it means; what to do about it``."""
    return [
        *_forwards(mail),
        *_wide_networks(mail),
        *_small_quotas(mail),
        *_loose_files(mail),
        *_weak_hashes(mail),
        *_uncovered(mail),
        *_crowded_out(mail),
    ]


def _forwards(mail: MailServer) -> Iterator[str]:
    """Envelope rewritten (SRS) and message sealed (ARC): yet whoever forwards answers for what comes along."""
    leading = {f"aliases.{alias}": targets for alias, targets in mail.aliases.items()}
    leading |= {f"catch_all.{domain}": (target,) for domain, target in mail.catch_all.items()}
    for key, targets in leading.items():
        outside = [target for target in targets if domain_of(target) not in mail.domain_settings]
        if outside:
            yield (
                f"{key}: forwards to {', '.join(outside)}; providers there count what it forwards, spam too, "
                "against this server; a mailbox here is safer"
            )


def _wide_networks(mail: MailServer) -> Iterator[str]:
    for network in mail.trusted_networks:
        if networks.is_wide(network):
            yield (
                f"trusted_networks: {network} is wide, and every host in it may send as anybody "
                "(containers and NAT make strangers look like it); name only the hosts that must"
            )


def _small_quotas(mail: MailServer) -> Iterator[str]:
    quotas = {f"mailboxes.{address}.quota": box.quota for address, box in mail.mailboxes.items()}
    for key, quota in {"quota": mail.quota, **quotas}.items():
        if quota and quota < mail.message_size:
            yield (
                f"{key}: {in_words(quota)} is less than one message of message_size ({in_words(mail.message_size)}); "
                "write more, or a smaller message_size"
            )


def _uncovered(mail: MailServer) -> Iterator[str]:
    if mail.clients and mail.uncovered:
        yield (
            f"clients: tls.certificate does not cover {', '.join(mail.uncovered)}, so mail programs find no "
            "settings there and there is no MTA-STS policy; get one that does, or write clients: false"
        )


def _crowded_out(mail: MailServer) -> Iterator[str]:
    """A certificate holds so many names: the hosts', and up to three for each domain's mail programs."""
    if without := mail.crowded_out:
        more = f" and {len(without) - 3} more" if len(without) > 3 else ""
        yield (
            f"clients: a certificate holds {MOST_NAMES} names, so {', '.join(without[:3])}{more} have no pages of their"
            " own: mail programs find no settings there and there is no MTA-STS policy; give their names certificates"
            " of their own (tls.sni), or write clients: false"
        )


def _loose_files(mail: MailServer) -> Iterator[str]:
    key = mail.tls.key
    if key and key.exists() and key.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield f"tls.key: {key} can be read by others on this workstation; chmod 600 {key}"


def _weak_hashes(mail: MailServer) -> Iterator[str]:
    weak = [one for one, box in mail.mailboxes.items() if box.password and hashes.quickly_guessed(box.password)]
    if weak:
        more = f" and {len(weak) - 8} more" if len(weak) > 8 else ""
        yield (
            f"mailboxes: whoever gets hold of the hashes of {', '.join(weak[:8])}{more} soon knows the passwords, for"
            " they are of old kinds; have each chosen anew, by script/mailbox passwd or on the webmail's page"
        )
