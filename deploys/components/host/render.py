"""The files that tell a host its name."""

from __future__ import annotations

from collections.abc import Iterator


def packages() -> tuple[str, ...]:
    """``ss`` for facts, a complete Python for verify, and what every host needs to trust and be trusted."""
    return ("ca-certificates", "hostname", "iproute2", "openssl", "python3")


def debconf(hostname: str) -> tuple[str, ...]:
    """Answers to what the installation of Postfix asks, so that it asks nobody (debconf-set-selections(1))."""
    return ("postfix postfix/main_mailer_type select Internet Site", f"postfix postfix/mailname string {hostname}")


def hosts(current: str, hostname: str) -> str:
    """/etc/hosts with our name on 127.0.1.1, as Debian does it (Debian Reference, 5.1.1); other names stay.

    hostname(1) -f asks for the name and takes the first line that has it, so no other line may keep it. A file that
    says the same in its own way stays as it is: a provider's user-data can have cloud-init write it at every boot.
    """
    short = hostname.partition(".")[0]
    if _ours(current, {hostname, short}) == [["127.0.1.1", hostname, short]]:
        return current
    ours = f"127.0.1.1\t{hostname} {short}" if short != hostname else f"127.0.1.1\t{hostname}"
    lines = [line for line in _without(current.splitlines(), {hostname, short}) if line.split()[:1] != ["127.0.1.1"]]
    if not any(line.split()[:1] == ["127.0.0.1"] for line in lines):
        lines.insert(0, "127.0.0.1\tlocalhost")
    after = next(number for number, line in enumerate(lines, 1) if line.split()[:1] == ["127.0.0.1"])
    return "\n".join([*lines[:after], ours, *lines[after:]]) + "\n"


def _ours(current: str, names: set[str]) -> list[list[str]]:
    """The entries that 127.0.1.1 has, or that hold one of ``names``."""
    entries = [line.partition("#")[0].split() for line in current.splitlines()]
    return [entry for entry in entries if entry[:1] == ["127.0.1.1"] or names & {word.lower() for word in entry}]


def _without(lines: list[str], names: set[str]) -> Iterator[str]:
    """The lines less ``names``; a line that held nothing else goes."""
    for line in lines:
        entry, mark, comment = line.partition("#")
        words = entry.split()
        left = [word for word in words[1:] if word.lower() not in names]
        if len(left) == len(words[1:]):
            yield line
        elif left:
            yield f"{words[0]}\t{' '.join(left)}" + (f" {mark}{comment}" if mark else "")


def apt_conf() -> str:
    """apt.conf(5): an upgrade keeps the files that we wrote, and asks nobody (dpkg(1), --force-confold).

    Without it unattended-upgrades passes over each package whose configuration is ours, security or not.
    """
    return (
        "// Written by Posthaus: a configuration file that was changed stays, and nobody is asked.\n"
        "// The package's own lies beside it then, as *.dpkg-dist.\n"
        'Dpkg::Options { "--force-confdef"; "--force-confold"; };\n'
    )


def zz_posthaus_cfg(hostname: str) -> str:
    """cloud-init's drop-in: it leaves name and hosts file alone. The last file in its directory wins."""
    return (
        "# Posthaus keeps the name of this host; cloud-init would write it anew at every boot.\n"
        f"preserve_hostname: true\nmanage_etc_hosts: false\nfqdn: {hostname}\n"
    )
