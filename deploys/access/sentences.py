"""Why a host cannot be reached or acted on, and what to do about it. Pure: an error or an answer in, a sentence out."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from paramiko import AuthenticationException, BadHostKeyException, ChannelException, SSHException

SESSIONS = (
    "its sshd lets a connection have no further session: write `MaxSessions 10` (the default) into its sshd_config,"
    " and `systemctl reload ssh`"
)
LOST = (
    "the connection was lost while a command ran. Look whether the host is up, then run again: what was done stays, and"
    " a configuration that was being changed is the old one or the new one"
)
NO_TERMINAL = "there is no terminal to ask at: give the host `_sudo_password` in the inventory"


@dataclass(frozen=True)
class Login:
    """Who logs in where, as the inventory says it. ``keys``: the file of known hosts, where it is not ssh's own."""

    host: str
    port: int
    user: str
    key: str = ""
    keys: str = ""

    @property
    def ssh(self) -> str:
        """The command by which a person connects the same way."""
        port = f"-p {self.port} " if self.port != 22 else ""
        keys = f"-o UserKnownHostsFile={self.keys} " if self.keys else ""
        key = f"-i {self.key} " if self.key else ""
        return f"`ssh {port}{keys}{key}{self.user}@{self.host}`"


def unreachable(error: BaseException, login: Login) -> str:
    """Why there is no connection."""
    told = str(error)
    if isinstance(error, BadHostKeyException):
        entry = f"[{login.host}]:{login.port}" if login.port != 22 else login.host
        file = f" -f {login.keys}" if login.keys else ""
        return (
            f"{login.host} shows another host key than it had. If it was installed anew, forget the old one with"
            f" `ssh-keygen{file} -R {entry}` and accept the new one with {login.ssh}; if it was not, somebody stands in"
            " between"
        )
    if "StrictPolicy" in told:
        return f"the host key of {login.host} is not known yet: {login.ssh} shows it and accepts it, once"
    if isinstance(error, AuthenticationException):
        by = f"the key {login.key}" if login.key else "any key of this workstation or its agent"
        return (
            f"{login.host} does not let {login.user} log in by {by}: {login.ssh} has to work without a question. Name"
            " the right user (ssh_user) and key (ssh_key) in the inventory, or put the key there (ssh-copy-id)"
        )
    if isinstance(error, socket.gaierror):
        return (
            f"the name {login.host} leads nowhere ({error.strerror}): correct it, or give its address as ssh_hostname"
        )
    if isinstance(error, OSError):
        why = "nothing answers" if isinstance(error, TimeoutError) else (error.strerror or told)
        return f"{login.host} cannot be reached at port {login.port} ({why}): is it up, and is that where sshd listens?"
    if "private key" in told:
        return f"ssh_key: {login.key} is no private key that can be read ({told}); try {login.ssh}"
    return f"no SSH connection to {login.host} ({told or type(error).__name__}): see what {login.ssh} says"


def no_session(error: BaseException) -> str:
    """Why a command could not be sent over a connection that there was."""
    return SESSIONS if isinstance(error, ChannelException) else LOST


def no_root(answer: str, login: Login) -> str:
    """Why the login cannot act as root; empty where it can. ``answer``: what become.sh said."""
    word, _, rest = answer.partition(" ")
    who = f"the login {login.user!r} is not root"
    if word in ("works", "root"):
        return ""
    if word == "missing":
        return f"{who} and sudo is not installed: log in as root, or install sudo and let {login.user} use it"
    if word == "asks":
        return f"{who} and sudo asks for a password; {NO_TERMINAL}, or allow {login.user} NOPASSWD in its sudoers"
    if word == "mounts":
        return (
            f"sudo gets its password from a small program, and none may run in {rest.replace(' ', ', ')} (mounted"
            f" noexec): mount one without noexec, log in as root, or allow {login.user} NOPASSWD in its sudoers"
        )
    if word != "refuses":
        return f"the login shell of {login.user} does not run commands: set one that does, with `chsh -s /bin/sh`"
    if any(sign in rest for sign in ("incorrect password", "no password was provided", "Sorry, try again")):
        return (
            f"sudo refuses the password of {login.user} (tried once): set `_sudo_password` right, or leave it out to be"
            " asked at the terminal"
        )
    return f"sudo refuses {login.user}: {rest}"


def of_ssh(error: BaseException) -> SSHException:
    """The sentence as the one kind of error that pyinfra tells in a line, for this host alone."""
    return SSHException(no_session(error))
