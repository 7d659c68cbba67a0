"""Unix users: the one that owns virtual mail, and people's own where they have accounts on the host."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand
from pyinfra.api.exceptions import OperationValueError

from facts.accounts import Account, Accounts, Unix
from facts.survey import Question, question
from operations.survey import ask, looks

NOLOGIN = "/usr/sbin/nologin"
# What crypt(3) of Debian 12 and 13 and Ubuntu 22.04 and later understands, and PAM with it (crypt(5)).
_CRYPT = re.compile(r"^\$(?:1|2[aby]|5|6|7|y|gy)\$[^\s:]+$")


def _of_user(user: str, **_: object) -> list[Question[Unix]]:
    return [question(Accounts, users=[user])]


@looks(_of_user)
def system_user(  # type: ignore[no-untyped-def]
    user: str,
    uid: int | None,
    home: str,
    groups: Iterable[str] = (),
    shell: str = NOLOGIN,
    gid: int | None = None,
    as_it_is: bool = False,
):
    """
    A user that programs run as, with a group of its own name.

    + uid: its number; a user that exists under another number is refused, since files belong to numbers. None: the host
      gives it one, and its group another
    + home: written down, not made
    + groups: groups to join besides its own; they must exist
    + gid: its group's number (None: the same as uid)
    + as_it_is: home and shell of a user that exists are left alone
    """
    number = uid if gid is None else gid
    (about,) = _of_user(user)
    unix = ask(about)
    commands = _system_user(unix, user, uid, number, home, shell, tuple(groups), as_it_is)
    if not commands:
        host.noop(f"user {user} is as declared")
        return
    yield StringCommand(*commands, _separator=" && ")


def _system_user(
    unix: Unix,
    user: str,
    uid: int | None,
    gid: int | None,
    home: str,
    shell: str,
    groups: tuple[str, ...],
    as_it_is: bool = False,
) -> list[StringCommand]:
    account = unix.users.get(user)
    if account and uid is not None and account.uid != uid:
        raise OperationValueError(
            f"user {user} has the number {account.uid}, not {uid}; its files belong to {account.uid}"
        )
    if gid is not None and unix.groups.get(user, gid) != gid:
        raise OperationValueError(f"group {user} has the number {unix.groups[user]}, not {gid}")
    if gid is None:
        gid = unix.groups.get(user)
    if account and as_it_is and account.gid == gid:
        home, shell = account.home, account.shell
    commands = []
    if user not in unix.groups:
        number = [] if gid is None else ["--gid", str(gid)]
        commands.append(_shell("groupadd", "--system", *number, user))
    missing = sorted(set(groups) - set(account.groups if account else ()))
    options = ["--home-dir" if not account else "--home", home, "--shell", shell, "--gid", user]
    if missing:
        options += ["--append"] if account else []
        options += ["--groups", ",".join(missing)]
    if not account:
        number = [] if uid is None else ["--uid", str(uid)]
        options = ["--system", "--no-create-home", *number, *options]
        commands.append(_shell("useradd", *options, user))
    elif missing or (account.gid, account.home, account.shell) != (gid, home, shell):
        commands.append(_shell("usermod", *options, user))
    return commands


def _of_people(passwords: Mapping[str, str | None], **_: object) -> list[Question[Unix]]:
    return [question(Accounts, users=sorted(passwords))]


@looks(_of_people)
def mail_users(  # type: ignore[no-untyped-def]
    passwords: Mapping[str, str | None], group: str = "mailusers", names: Mapping[str, str] | None = None
):
    """
    People with accounts on the host: made where missing, with a home and no shell; an existing shell stays.

    + passwords: Unix user: crypt(3) hash for PAM (None: the password is left alone)
    + group: holds exactly these people afterwards, so that a program can ask "may this one read mail here?".
      Who is no longer declared leaves the group and keeps account, home and messages
    + names: Unix user: the person's name, written where the account has none; people change theirs with chfn(1)
    """
    hashes = {user: crypt_hash(user, given) for user, given in passwords.items() if given is not None}
    (about,) = _of_people(passwords)
    unix = ask(about)
    commands = _mail_users(unix, sorted(passwords), group, names or {})
    stale = {user: given for user, given in hashes.items() if _stale(unix.users.get(user), given)}
    if stale:
        commands.append(StringCommand("chpasswd --encrypted"))
    if not commands:
        host.noop(f"{len(passwords)} accounts are as declared")
        return
    # On standard input: a process list shows arguments to everybody.
    stdin = "".join(f"{user}:{given}\n" for user, given in sorted(stale.items()))
    yield StringCommand(*commands, _separator=" && ", _stdin=stdin)


def _mail_users(unix: Unix, users: list[str], group: str, names: Mapping[str, str]) -> list[StringCommand]:
    commands = [] if group in unix.groups else [_shell("groupadd", "--system", group)]
    for user in users:
        comment = ["--comment", _gecos(names[user])] if names.get(user) else []
        if user not in unix.users:
            own = ["--gid", user] if user in unix.groups else ["--user-group"]
            commands.append(_shell("useradd", "--create-home", "--shell", NOLOGIN, *comment, *own, user))
        elif comment and not unix.users[user].name:
            commands.append(_shell("usermod", *comment, user))
    if set(unix.members.get(group, ())) != set(users):
        commands.append(_shell("gpasswd", "--members", ",".join(users), group))
    return commands


def _gecos(name: str) -> str:
    """A name as passwd(5) can hold it: colons part its fields, commas the parts of this one."""
    return re.sub(r"[:,]+ *", " ", name).strip()


def crypt_hash(user: str, given: str) -> str:
    """``given`` as shadow(5) holds it, without Dovecot's ``{SCHEME}``; OperationValueError if PAM cannot read it."""
    bare = re.sub(r"^\{[A-Za-z0-9-]+\}", "", given)
    if not _CRYPT.match(bare):
        raise OperationValueError(
            f"mailboxes: {user}'s password hash is none that Unix accounts can have; "
            "accounts: system takes yescrypt ($y$), bcrypt ($2b$) or SHA-512 ($6$), as mkpasswd(1) makes them"
        )
    return bare


def _stale(account: Account | None, given: str) -> bool:
    return account is None or account.secret != hashlib.sha256(given.encode()).hexdigest()


def _shell(*words: str) -> StringCommand:
    return StringCommand(*[QuoteString(word) for word in words])
