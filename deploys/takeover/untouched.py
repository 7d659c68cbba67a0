"""Whether Postfix is as its package set it up, or as somebody wants it. Pure: no host.

Its main.cf is no conffile: the package writes it from what debconf was told ("Internet Site", "Local only", …), so no
checksum knows it (postfix.postinst of Debian 12 and 13, Ubuntu 22.04 and later).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# What the package itself may write, as a pattern that the whole value must match.
_ANY = re.compile(r".*", re.DOTALL)
_NONE = re.compile("")
_STOCK = {
    "compatibility_level": _ANY,
    "myorigin": _ANY,
    "inet_protocols": _ANY,
    "smtpd_banner": re.compile(r"\$myhostname ESMTP \$mail_name \((?:Debian|Debian/GNU|Ubuntu)\)"),
    "inet_interfaces": re.compile("all|loopback-only"),
    "mynetworks": re.compile(r"127\.0\.0\.0/8 \[::ffff:127\.0\.0\.0\]/104 \[::1\]/128"),
    "mynetworks_style": re.compile("host"),
    "mailbox_size_limit": re.compile("0"),
    "mailbox_command": _NONE,
    "relayhost": _NONE,
    "alias_maps": re.compile("(?:hash|lmdb):/etc/aliases"),
    "alias_database": re.compile("(?:hash|lmdb):/etc/aliases"),
    "biff": re.compile("no"),
    "append_dot_mydomain": re.compile("no"),
    "readme_directory": re.compile("no|/usr/share/doc/postfix"),
    "html_directory": re.compile("/usr/share/doc/postfix/html"),
    "recipient_delimiter": re.compile(r"\+"),
    "cyrus_sasl_config_path": re.compile("/etc/postfix/sasl"),
    "smtpd_relay_restrictions": re.compile(r"permit_mynetworks,? permit_sasl_authenticated,? defer_unauth_destination"),
    "smtpd_tls_cert_file": re.compile(r"/etc/ssl/certs/ssl-cert-snakeoil\.pem"),
    "smtpd_tls_key_file": re.compile(r"/etc/ssl/private/ssl-cert-snakeoil\.key"),
    "smtpd_tls_security_level": re.compile("may"),
    "smtpd_use_tls": re.compile("yes"),
    "smtp_tls_CApath": re.compile("/etc/ssl/certs"),
    "smtp_tls_CAfile": re.compile(r"/etc/ssl/certs/ca-certificates\.crt"),
    "smtp_tls_security_level": re.compile("may"),
    "smtp_tls_session_cache_database": re.compile(r"btree:\$\{data_directory\}/smtp_scache"),
    "smtpd_tls_session_cache_database": re.compile(r"btree:\$\{data_directory\}/smtpd_scache"),
    "default_transport": re.compile("error"),  # "Local only"
    "relay_transport": re.compile("error"),
}


def parameters(main_cf: Iterable[str]) -> dict[str, str]:
    """``{name: value}`` of main.cf's lines; a line that begins with white space goes on (postconf(5))."""
    found: dict[str, str] = {}
    name = ""
    for line in main_cf:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
            continue
        name, _, value = (part.strip() for part in line.partition("="))
        found[name] = value
    return found


def changed_parameters(main_cf: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """The parameters that no package would have set so, sorted. ``names``: those of the host itself."""
    found = parameters(main_cf)
    strange = {name for name in found if name not in _STOCK and name not in ("mydestination", "myhostname")}
    strange |= {name for name, stock in _STOCK.items() if name in found and not stock.fullmatch(found[name])}
    own = own_names(found, names)
    strange |= {name for name in ("mydestination", "myhostname") if destinations(found.get(name, ""), own)}
    return tuple(sorted(strange))


def own_names(found: dict[str, str], names: Iterable[str]) -> tuple[str, ...]:
    """``names``, and what the host was called when the package wrote main.cf (``found``): it may have been renamed
    since, by a run of ours too. The package names both in mydestination, so one that is known vouches for the other."""
    known = tuple(name for name in names if name)
    words = set(re.split(r"[,\s]+", found.get("mydestination", "")))
    before = found.get("myhostname", "")
    return (*known, before) if before in words and words & set(known) else known


def destinations(value: str, names: Iterable[str]) -> tuple[str, ...]:
    """The domains of ``mydestination`` that are mail's, and not just what the host calls itself. A name without a dot
    cannot be reached from elsewhere."""
    own = {name.lower() for name in names}
    words = (word.lower() for word in re.split(r"[,\s]+", value) if word)
    return tuple(
        word
        for word in words
        if not word.startswith(("$", "localhost")) and "." in word and word not in own and not _nowhere(word)
    )


def _nowhere(name: str) -> bool:
    return name.endswith((".localdomain", ".local", ".internal", ".lan", ".home.arpa"))


def changed_services(master_cf: Iterable[str], stock: Iterable[str]) -> tuple[str, ...]:
    """The services in master.cf that no package would have set so, by their names. ``stock``: the lines that the
    package brings (master.cf.dist). Comments, white space and chroot (which Debian changed once) do not count."""
    known = set(_services(stock)) | set(_services(_OLDER))
    return tuple(dict.fromkeys(service.split()[0] for service in _services(master_cf) if service not in known))


# What other releases' master.cf has: a host that came from there by an upgrade keeps it.
_OLDER = (
    "smtp inet n - - - - smtpd",
    "relay unix - - - - - smtp",
    "        -o syslog_name=postfix/$service_name",
    "postlog unix-dgram n - n - 1 postlogd",
    "maildrop unix - n n - - pipe",
    "  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}",
    "maildrop unix - n n - - pipe",
    "  flags=DRhu user=vmail argv=/usr/bin/maildrop -d ${recipient}",
    "uucp unix - n n - - pipe",
    "  flags=Fqhu user=uucp argv=uux -r -n -z -a$sender - $nexthop!rmail ($recipient)",
    "ifmail unix - n n - - pipe",
    "  flags=F user=ftn argv=/usr/lib/ifmail/ifmail -r $nexthop ($recipient)",
    "bsmtp unix - n n - - pipe",
    "  flags=Fq. user=bsmtp argv=/usr/lib/bsmtp/bsmtp -t$nexthop -f$sender $recipient",
    "scalemail-backend unix - n n - 2 pipe",
    "  flags=R user=scalemail argv=/usr/lib/scalemail/bin/scalemail-store ${nexthop} ${user} ${extension}",
    "scalemail-backend unix - n n - 2 pipe",
    "  flags=DRX user=scalemail argv=/usr/lib/scalemail/bin/scalemail-store ${nexthop} ${user} ${extension}",
    "mailman unix - n n - - pipe",
    "  flags=FRX user=list argv=/usr/lib/mailman/bin/postfix-to-mailman.py ${nexthop} ${user}",
    "mailman unix - n n - - pipe",
    "  flags=FR user=list argv=/usr/lib/mailman/bin/postfix-to-mailman.py ${nexthop} ${user}",
)


def _services(lines: Iterable[str]) -> list[str]:
    whole: list[str] = []
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and whole:
            whole[-1] += f" {line.strip()}"
        else:
            whole.append(line.strip())
    return [_normal(service) for service in whole]


def _normal(service: str) -> str:
    words = service.split()
    return " ".join([*words[:4], "*", *words[5:]]) if len(words) >= 8 else " ".join(words)


def other_aliases(aliases: Iterable[str]) -> tuple[str, ...]:
    """The names in /etc/aliases that lead to anybody but root: what the package writes is ``postmaster: root``."""
    rows = (line.partition(":") for line in aliases if line.strip() and not line.lstrip().startswith("#"))
    return tuple(name.strip() for name, _, target in rows if target.strip() not in ("root", "") and name[:1].strip())
