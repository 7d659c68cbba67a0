"""main.cf, said in one place: every parameter that we set, in the order it is written, and why (postconf(5))."""

from __future__ import annotations

import ipaddress

from deploys.components.component import Context
from deploys.components.dovecot.options import AUTH_SOCKET, LMTP_SOCKET, QUOTA_SOCKET
from deploys.components.mta_sts.options import MAP
from deploys.components.postfix.options import Relayhost
from deploys.components.postsrsd.options import known, maps
from deploys.components.rspamd.options import MILTERS
from deploys.components.sending.options import SOCKET
from deploys.components.tls.options import Tls
from deploys.config.mailserver import MailServer
from deploys.values.tls import CIPHERS, OLDEST

Value = str | int | bool
Sections = dict[str, dict[str, Value]]

HEAD = "# Written by Posthaus: the next run undoes changes made here. Say yours in mail.yaml, postfix.parameters."
# Nothing to compile. Not below $config_directory: an smtpd of Postfix 3.10 that starts while main.cf is a second old
# reads that as empty, and then refuses everybody until it ends.
DIRECTORY = "/etc/postfix"
TABLES = f"texthash:{DIRECTORY}/posthaus"
INDEXED = f"cdb:{DIRECTORY}/posthaus"  # those of tables.INDEXED
LOOPBACK = "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128"
QUOTA = f"check_policy_service unix:{QUOTA_SOCKET}"


def text(value: Value) -> str:
    """A parameter's value as main.cf writes it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def srs(context: Context) -> tuple[str, str] | None:
    """Whom to ask for a sender of ours, and for the one behind it, where messages of others are sent on."""
    return maps(known(context.machine.srs_series)) if context.mail.forwards else None


def main(context: Context) -> Sections:
    """All of main.cf, by section; the operator's own parameters take the place of ours or stand at the end."""
    mail, asked = context.mail, srs(context)
    ours: Sections = {
        "identity": _identity(mail.hostname, mail.trusted_networks, context.machine.ipv6),
        "general": _general(mail.message_size),
        "domains and mailboxes": _delivery(),
        "login": _login(),
        "TLS": {**_tls(mail.tls), **_outgoing_tls(mail)},
        "who may send what, port 25": _inbound(),
        "how often one address may come (docs/security.md)": _limits(context.machine.postfix_from(3, 8)),
        "who may send what, submission (master.cf names these)": {
            **_submission(mail.relayhost is not None),
            **(_sending() if mail.limits_sending else {}),
        },
        "which way a sender's messages leave": _sender_transports() if asked or mail.relayhosts else {},
        "messages that aliases lead elsewhere (SRS)": _forwarding(asked[1]) if asked else {},
        "rspamd": _milter(context.machine.seven_bit) if mail.filter else {},
        "relayhost": _relayhost(mail.relayhost) if mail.relayhost else {},
    }
    theirs = dict(mail.postfix.parameters)
    merged = {
        title: {name: theirs.pop(name, value) for name, value in section.items()} for title, section in ours.items()
    }
    return {**merged, "mail.yaml's postfix.parameters": theirs}


def network(cidr: str) -> str:
    """A network as Postfix writes it: IPv6 in brackets, or SMTP hangs."""
    net = ipaddress.ip_network(cidr)
    return f"[{net.network_address}]/{net.prefixlen}" if net.version == 6 else str(net)


def _identity(hostname: str, trusted_networks: tuple[str, ...], ipv6: bool) -> dict[str, Value]:
    return {
        # The newest level that Ubuntu 22.04's Postfix 3.6 knows: no default of before applies.
        "compatibility_level": "3.6",
        # Literal: whatever a provider calls the machine after a reboot, the greeting stays.
        "myhostname": hostname,
        "myorigin": "$myhostname",
        # Never a mail domain, or its people would be taken for Unix users.
        "mydestination": "$myhostname, localhost",
        "mynetworks": " ".join((LOOPBACK, *(network(cidr) for cidr in trusted_networks))),
        "inet_interfaces": "all",
        "inet_protocols": "all" if ipv6 else "ipv4",
        "smtpd_banner": "$myhostname ESMTP",
    }


def _general(message_size: int) -> dict[str, Value]:
    return {
        "biff": False,
        "append_dot_mydomain": False,
        "recipient_delimiter": "+",
        "message_size_limit": message_size,
        # local(8) dies if this is less than a message may have; Dovecot keeps the limits.
        "mailbox_size_limit": 0,
        # Bytes: answer 452 before the disk is full, while IMAP can still delete. smtpd itself asks for 1.5 messages.
        "queue_minfree": 2 * message_size,
        # Messages after which a process ends. Starting one costs as much CPU as three messages (its TLS, its tables).
        "max_use": 500,
        "disable_vrfy_command": True,
        "smtpd_helo_required": True,
        "strict_rfc821_envelopes": True,
        # Dovecot's LMTP does not speak it: what we accepted would bounce.
        "smtputf8_enable": False,
        # "sub.example.org" is somebody else than "example.org" in access tables.
        "parent_domain_matches_subdomains": "",
        "maximal_queue_lifetime": "5d",
        "bounce_queue_lifetime": "1d",
        # A package upgrade would write this line if it were missing.
        "cyrus_sasl_config_path": "/etc/postfix/sasl",
    }


def _delivery() -> dict[str, Value]:
    return {
        "virtual_mailbox_domains": f"{INDEXED}/domains",
        "virtual_mailbox_maps": f"{INDEXED}/mailboxes",
        "virtual_alias_maps": f"{INDEXED}/aliases",
        "virtual_transport": f"lmtp:unix:{LMTP_SOCKET}",
        # Dovecot takes 10 messages at once for a mailbox (lmtp_user_concurrency_limit) and puts off one more with 451.
        "lmtp_destination_concurrency_limit": 10,
        # Kept as it came: a line break within a long line breaks what S/MIME, PGP and DKIM have signed.
        "lmtp_line_length_limit": 0,
        "smtp_line_length_limit": 0,
        # 8-bit texts keep others' signatures on the way to a server that does not announce 8BITMIME: in practice none
        # of those minds them. What our own people write has become 7-bit text before it was signed (master.cf).
        "disable_mime_output_conversion": True,
        # Programs on this host send as the user that runs them; root alone chooses an envelope sender (postdrop(1)).
        "local_login_sender_maps": f"regexp:{DIRECTORY}/local-senders",
        # All mail to Unix users is redirected in the aliases table; nobody reads /var/mail, and no .forward runs.
        "alias_maps": "",
        "alias_database": "",
    }


def _login() -> dict[str, Value]:
    return {
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": AUTH_SOCKET,
        "smtpd_sasl_auth_enable": False,  # master.cf switches it on where people submit
        "smtpd_sasl_security_options": "noanonymous",
        "smtpd_sasl_tls_security_options": "noanonymous",
        "smtpd_tls_auth_only": True,
        "smtpd_sender_login_maps": f"{INDEXED}/senders",
    }


def _tls(tls: Tls) -> dict[str, Value]:
    return {
        "smtpd_tls_security_level": "may",
        "smtpd_tls_chain_files": f"{tls.key_path}, {tls.chain_path}",
        # read by smtpd while it is root still; the table names files, so no key is copied (postmap(1), -F)
        **({"tls_server_sni_maps": f"{TABLES}/certificates"} if tls.sni else {}),
        "smtpd_tls_protocols": f">={OLDEST}",
        "smtpd_tls_mandatory_protocols": f">={OLDEST}",
        "smtpd_tls_ciphers": "medium",
        "smtpd_tls_mandatory_ciphers": "medium",
        "tls_medium_cipherlist": CIPHERS,
        "tls_preempt_cipherlist": False,
        "tls_ssl_options": "NO_RENEGOTIATION",
        "smtpd_tls_loglevel": 1,
        "smtpd_tls_received_header": True,
    }


def _outgoing_tls(mail: MailServer) -> dict[str, Value]:
    return {
        **_outgoing_level(mail),
        "smtp_tls_protocols": f">={OLDEST}",
        "smtp_tls_mandatory_protocols": f">={OLDEST}",
        "smtp_tls_CAfile": "/etc/ssl/certs/ca-certificates.crt",
        "smtp_tls_loglevel": 1,
    }


def _outgoing_level(mail: MailServer) -> dict[str, Value]:
    """How sure we are of whom we hand messages to."""
    if mail.relayhost:  # has a certificate that names it
        return {"smtp_tls_security_level": "secure"}
    if mail.resolves:
        # Who publishes TLSA in a signed zone is verified by it, or waited for (RFC 7672); all others as with "may": on
        # the open internet many servers have a certificate that names somebody else.
        level: dict[str, Value] = {"smtp_tls_security_level": "dane", "smtp_dns_support_level": "dnssec"}
        # Who has an enforced MTA-STS policy is verified by that, or waited for (RFC 8461); who has both, by DANE alone.
        return level | ({"smtp_tls_policy_maps": MAP} if mail.tls_policies else {})
    return {"smtp_tls_security_level": "may"}


def _inbound() -> dict[str, Value]:
    return {
        "smtpd_helo_restrictions": _list(
            "permit_mynetworks",
            "permit_inet_interfaces",  # the host itself, at whichever of its addresses
            f"check_helo_access {INDEXED}/helo-names",
            "reject_invalid_helo_hostname",
            "reject_non_fqdn_helo_hostname",
        ),
        # reject_sender_login_mismatch does nothing where nobody can log in, hence a table of our own domains.
        "smtpd_sender_restrictions": _list(
            "permit_mynetworks",
            "reject_non_fqdn_sender",
            "reject_unknown_sender_domain",
            "reject_unlisted_sender",
            f"check_sender_access {INDEXED}/own-senders",
        ),
        "smtpd_relay_restrictions": _list("permit_mynetworks", "reject_unauth_destination"),
        "smtpd_recipient_restrictions": _list(
            "reject_non_fqdn_recipient",
            "reject_unlisted_recipient",
            QUOTA,
            "permit_mynetworks",
            f"check_recipient_access {TABLES}/not-from-outside",
        ),
        # Dovecot may be restarting: the message then waits in the queue instead of being refused.
        "smtpd_policy_service_default_action": "DUNNO",
        "smtpd_data_restrictions": "reject_unauth_pipelining",
        # A report of success (RFC 3461) would go to whoever the envelope names, and say where an alias leads and how
        # rspamd judged. Only who has logged in may ask for one (master.cf). ETRN serves nobody here.
        "smtpd_discard_ehlo_keywords": "dsn, etrn, silent-discard",
        "smtpd_etrn_restrictions": "reject",
        # Copiers and scripts in trusted networks often write neither Date nor Message-ID: both are added before the
        # message is signed. (What people submit: master.cf. A stranger's message stays as it came.)
        "local_header_rewrite_clients": _list("permit_inet_interfaces", "permit_mynetworks"),
        # One message stays one message ("SMTP smuggling"). Every patched Postfix knows "yes" (newer: "normalize").
        "smtpd_forbid_bare_newline": True,
        "smtpd_forbid_bare_newline_exclusions": "",
    }


def _limits(by_network: bool) -> dict[str, Value]:
    """Connections at once and in a minute (anvil_rate_time_unit), for each service by itself; beyond that 421, and the
    sender tries again. Strangers have few, whole companies behind one address have many when they hand in messages.

    ``by_network``: this Postfix counts IPv6 by networks.
    """
    return {
        "smtpd_client_event_limit_exceptions": "$mynetworks",
        # of 100 processes
        "smtpd_client_connection_count_limit": 20,
        "smtpd_client_connection_rate_limit": 90,
        "mua_client_connection_count_limit": 50,
        "mua_client_connection_rate_limit": 300,
        "mua_client_auth_rate_limit": 300,
        # what one customer gets
        **({"smtpd_client_ipv6_prefix_length": 64} if by_network else {}),
    }


def _submission(through_relayhost: bool) -> dict[str, Value]:
    # Behind a relayhost the DNS may not know the world.
    known_domain = () if through_relayhost else ("reject_unknown_recipient_domain",)
    return {
        "mua_client_restrictions": _list("permit_sasl_authenticated", "reject"),
        "mua_helo_restrictions": "",
        "mua_sender_restrictions": _list("reject_non_fqdn_sender", "reject_sender_login_mismatch"),
        "mua_relay_restrictions": _list("permit_sasl_authenticated", "reject"),
        "mua_recipient_restrictions": _list(
            "reject_non_fqdn_recipient", *known_domain, "reject_unlisted_recipient", QUOTA
        ),
    }


def _sending() -> dict[str, Value]:
    # Where nobody answers, messages go out as if there were no limit.
    asked = f"{{ unix:{SOCKET}, timeout=10s, try_limit=2, default_action=DUNNO }}"
    return {"mua_end_of_data_restrictions": f"check_policy_service {asked}"}


def _sender_transports() -> dict[str, Value]:
    # One table: a whole address is looked for in all tables before @its-domain is in any.
    return {"sender_dependent_default_transport_maps": f"regexp:{DIRECTORY}/posthaus/transports"}


def _forwarding(reverse: str) -> dict[str, Value]:
    return {
        # The way back, for bounces: an address that we never gave out leads nowhere, and is refused. About all
        # others nobody is asked, so that other mail flows while postsrsd does not answer.
        "recipient_canonical_maps": f"pipemap:{{regexp:{DIRECTORY}/posthaus/returned, {reverse}}}",
        "recipient_canonical_classes": "envelope_recipient",
    }


def _milter(seven_bit: bool) -> dict[str, Value]:
    return {
        "smtpd_milters": MILTERS,
        # What the host itself writes, cron's messages and bounces, is signed, too.
        "non_smtpd_milters": "$smtpd_milters",
        "internal_mail_filter_classes": "bounce",
        # Where rspamd does not answer, messages wait where they are: none goes out unsigned, none comes in unseen.
        "milter_default_action": "tempfail",
        "milter_connect_timeout": "10s",
        "milter_command_timeout": "30s",
        "milter_content_timeout": "60s",
        # one message, whoever of its recipients is where
        **({} if seven_bit else {"seven-bit_destination_recipient_limit": 0}),
    }


def _relayhost(relayhost: Relayhost) -> dict[str, Value]:
    settings: dict[str, Value] = {
        "relayhost": next_hop(relayhost),
        "smtp_tls_wrappermode": relayhost.tls == "implicit",
    }
    if relayhost.username:
        settings |= {
            "smtp_sasl_auth_enable": True,
            "smtp_sasl_password_maps": f"{TABLES}/relayhost-password",
            "smtp_sasl_security_options": "noanonymous",
            "smtp_sasl_tls_security_options": "noanonymous",
        }
    return settings


def next_hop(relayhost: Relayhost) -> str:
    """The relayhost as Postfix names it; brackets keep it from asking for MX records."""
    return f"[{relayhost.host}]:{relayhost.port}"


def _list(*restrictions: str) -> str:
    return ", ".join(restrictions)
