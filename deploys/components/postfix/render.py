"""The text that Postfix reads. Same options in, same text out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from deploys.components.component import Context
from deploys.components.postfix import parameters, probe, tables
from deploys.components.postfix.options import SEVEN_BIT_PORT, SRS_PORT, Relayhost
from deploys.components.rspamd.options import MILTER_SOCKET, MIME_SOCKET
from deploys.components.tls.options import Tls
from deploys.config.mailserver import MailServer
from deploys.probes.program import MOST_NAMES, program
from deploys.render import template
from operations.file import File

HERE = Path(__file__).parent
DIRECTORY = parameters.DIRECTORY
# Postfix reads these when it starts, and not again when it reloads (postconf(5)).
RESTART_PARAMETERS = "posthaus/restart-parameters"
# Addresses that postsrsd made (SRS0=hash=time=domain=local), and no others.
RETURNED = "/^(SRS[01][-+=].*)$/ $1\n"
ONLY_AT_START = ("inet_interfaces", "inet_protocols", "queue_directory", "data_directory", "mail_owner", "setgid_group")


def packages(mail: MailServer) -> tuple[str, ...]:
    """The Debian packages; a relayhost that asks for a password needs SASL's mechanisms too."""
    asked = any(one.username for one in (mail.relayhost, *mail.relayhosts.values()) if one)
    return ("postfix", "postfix-cdb", *(("libsasl2-modules",) if asked else ()))


def configuration(context: Context) -> dict[str, File]:
    """Every file of ours below /etc/postfix."""
    mail, srs = context.mail, parameters.srs(context)
    settings = parameters.main(context)
    files = {
        "main.cf": File(main_cf(settings)),
        "master.cf": File(master_cf(context)),
        "posthaus/submission-headers": File(submission_headers(mail.hostname)),
        **(seven_bit(mail.hostname) if converts(context) else {}),
        "local-senders": File(local_senders(mail.hostname)),
        RESTART_PARAMETERS: File(restart_parameters(settings)),
        **{
            f"posthaus/{name}": _readable(text)
            for name, text in tables.all_tables(mail.hostname, mail.directory).items()
        },
    }
    if mail.tls.sni:
        files["posthaus/certificates"] = File(certificates(mail.tls))
    if srs:
        files["posthaus/returned"] = File(RETURNED)
    if srs or mail.relayhosts:
        files["posthaus/transports"] = _readable(sender_transports(mail))
    if mail.relayhost and mail.relayhost.password:
        files["posthaus/relayhost-password"] = File(relayhost_password(mail.relayhost), "0600")
    if mail.relayhosts:
        files["posthaus/relayhost-passwords"] = File(relayhost_passwords(mail.relayhosts), "0600")
    return files


def converts(context: Context) -> bool:
    """Whether 8-bit texts must take a hop of our own to become 7-bit ones before they are signed: an older Postfix
    cannot do it by itself."""
    return bool(context.mail.filter) and not context.machine.seven_bit


def seven_bit(hostname: str) -> dict[str, File]:
    """header_checks(5) for that hop."""
    named = hostname.replace(".", "\\.")
    entrance = f"seven-bit:[127.0.0.1]:{SEVEN_BIT_PORT}"
    return {
        "posthaus/eight-bit-headers": File(
            f"/^Content-Transfer-Encoding:[[:space:]]*(8bit|binary)/ FILTER {entrance}\n"
        ),
        # The first pass has signed what the second one changes, and our own hop is none of the message's way.
        "posthaus/seven-bit-headers": File(
            f"/^DKIM-Signature:/ IGNORE\n/^Received: from .*\\[127\\.0\\.0\\.1\\].*[[:space:]]by {named} / IGNORE\n"
        ),
    }


def local_senders(hostname: str) -> str:
    """Unix user to the envelope senders that sendmail takes from it (postdrop(1)); everybody may read it, for postdrop
    does so as whoever calls it."""
    return f"/^(root|postfix)$/ * <>\n/^(.+)$/ $1 $1@{hostname} $1@localhost\n"


def _readable(table: str) -> File:
    """A file that lists addresses: Postfix opens its tables as root, and no local user reads who lives here."""
    return File(table, "0640", group="postfix")


def built() -> dict[str, str]:
    """The indexed tables that the host makes, each from which file of ours."""
    return {f"posthaus/{name}.cdb": f"posthaus/{name}" for name in tables.INDEXED}


def certificates(tls: Tls) -> str:
    """Name, then the files to show whoever asks for it (postconf(5), tls_server_sni_maps): the key, then its chain."""
    return "".join(f"{name} {tls.key_of(name)}, {tls.chain_of(name)}\n" for name in sorted(tls.sni))


def master_cf(context: Context) -> str:
    """master.cf (master(5)), whole."""
    mail, srs = context.mail, parameters.srs(context)
    return template(
        HERE / "master.cf.j2",
        forward=srs[0] if srs else "",
        srs_port=SRS_PORT,
        limited=mail.limits_sending,
        converts=bool(mail.filter) and context.machine.seven_bit,
        seven_bit_port=SEVEN_BIT_PORT if converts(context) else None,
        relayhosts=sorted({one.tls for one in mail.relayhosts.values()}),
        passwords=f"{parameters.TABLES}/relayhost-passwords",
    )


def sender_transports(mail: MailServer) -> str:
    """Which way a sender's messages leave (regexp_table(5)): by the domain's own relayhost, or as all others do.

    A stranger's message that leaves this host goes by way of a second smtpd, which gives it a sender of ours (SRS).
    """
    rows = [
        f"/@{re.escape(domain)}$/ relayhost-{one.tls}:{parameters.next_hop(one)}"
        for domain, one in sorted(mail.relayhosts.items())
    ]
    if mail.forwards:
        ours = "|".join(re.escape(name) for name in mail.signers)
        rows += ["/^<>$/ DUNNO", f"/@({ours})$/ DUNNO", f"/@/ srs:[127.0.0.1]:{SRS_PORT}"]
    return "".join(f"{row}\n" for row in rows)


def main_cf(settings: parameters.Sections) -> str:
    """main.cf (postconf(5)), whole."""
    sections = ("\n".join((f"# --- {title} ---", *_lines(section))) for title, section in settings.items() if section)
    return "\n\n".join((parameters.HEAD, *sections)) + "\n"


def _lines(section: dict[str, parameters.Value]) -> list[str]:
    return [f"{name} = {parameters.text(value)}".rstrip() for name, value in section.items()]


def restart_parameters(settings: parameters.Sections) -> str:
    """What a reload would not pick up: a change of this file asks for a restart."""
    merged = {name: value for section in settings.values() for name, value in section.items()}
    lines = [f"{name} = {parameters.text(merged[name])}" for name in ONLY_AT_START if name in merged]
    return "\n".join(("# Written by Posthaus, which restarts Postfix when this changes.", *lines)) + "\n"


def submission_headers(hostname: str) -> str:
    """header_checks (header_checks(5)) for messages that our own people hand in."""
    return template(HERE / "submission-headers.j2", hostname=hostname, pattern=hostname.replace(".", "\\."))


def relayhost_password(relayhost: Relayhost) -> str:
    """The row ``[host]:port name:password``."""
    password = relayhost.password.get_secret_value() if relayhost.password else ""
    return f"{parameters.next_hop(relayhost)} {relayhost.username}:{password}\n"


def relayhost_passwords(relayhosts: Mapping[str, Relayhost]) -> str:
    """A row ``@domain name:password`` for each domain whose relayhost asks for one."""
    return "".join(
        f"@{domain} {one.username}:{one.password.get_secret_value()}\n"
        for domain, one in sorted(relayhosts.items())
        if one.password
    )


def running(mail: MailServer) -> str:
    """A shell command that succeeds where Postfix greets, speaks TLS, and brings the probe's message to its mailbox."""
    said, tls = mail.postfix.parameters, mail.tls
    own = not any(name.startswith("smtpd_tls_") and name.endswith(("_file", "_files")) for name in said)
    chain = tls.chain_path if own else None
    # A client that names whom it asks for, as most do, is answered by way of the table of names.
    names = [(mail.hostname, chain), *((name, tls.chain_of(name)) for name in sorted(tls.sni))]
    return program(
        probe,
        hostname=mail.hostname,
        address=mail.directory.probe,
        postmaster=f"postmaster@{mail.domains[0]}",
        chains=[(None, chain), *names][:MOST_NAMES],
        starttls=said.get("smtpd_tls_security_level") != "none",
        milters=[MIME_SOCKET, MILTER_SOCKET] if mail.filter else [],
    )
