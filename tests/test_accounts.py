"""Unix accounts: what PAM could not read, and numbers that belong to somebody else, are refused in a sentence."""

from dataclasses import replace

import pytest
from pyinfra.api.exceptions import OperationValueError

from facts.accounts import Account, Unix
from operations.accounts import NOLOGIN, _mail_users, _system_user, crypt_hash

HOME = "/var/mail/vhosts"


def vmail(**different: object) -> Unix:
    """A host where vmail is as we would have made it, but for what differs."""
    as_made = {"uid": 5000, "gid": 5000, "home": HOME, "shell": NOLOGIN, "groups": ("vmail",), "secret": ""}
    return Unix({"vmail": Account(**{**as_made, **different})}, {"vmail": 5000, "mail": 8})  # type: ignore[arg-type]


def commands(unix: Unix, groups: tuple[str, ...] = ()) -> list[str]:
    return [str(command) for command in _system_user(unix, "vmail", 5000, 5000, HOME, NOLOGIN, groups)]


@pytest.mark.parametrize("scheme", ["", "{SHA512-CRYPT}", "{CRYPT}"])
def test_a_hash_loses_dovecots_scheme_and_nothing_else(scheme: str):
    assert crypt_hash("tito", f"{scheme}$6$salt$hash/of.it") == "$6$salt$hash/of.it"


@pytest.mark.parametrize(
    "given", ["{ARGON2ID}$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA", "{PLAIN}secret-word", "!", "$6$a$b:c"]
)
def test_what_pam_cannot_read_is_refused_without_being_shown(given: str):
    with pytest.raises(OperationValueError, match=r"tito's password hash .* SHA-512") as refused:
        crypt_hash("tito", given)
    assert "argon2" not in str(refused.value)
    assert "secret-word" not in str(refused.value)


def test_a_user_as_declared_needs_nothing():
    assert commands(vmail()) == []


def test_a_bare_host_gets_group_and_user():
    assert commands(Unix(groups={"mail": 8}), ("mail",)) == [
        "groupadd --system --gid 5000 vmail",
        f"useradd --system --no-create-home --uid 5000 --home-dir {HOME} --shell {NOLOGIN} --gid vmail"
        " --groups mail vmail",
    ]


def test_a_missing_membership_is_added_and_others_stay():
    [command] = commands(vmail(groups=("vmail", "staff")), ("mail",))
    assert command == f"usermod --home {HOME} --shell {NOLOGIN} --gid vmail --append --groups mail vmail"


def test_a_user_with_another_number_is_refused_since_files_belong_to_numbers():
    with pytest.raises(OperationValueError, match="has the number 1001, not 5000"):
        commands(vmail(uid=1001))


def test_a_persons_name_is_written_where_the_account_has_none():
    ana = Account(1001, 1001, "/home/x", NOLOGIN, (), "")
    unix = Unix({"ana": ana, "eve": replace(ana, name="Eve of old")}, {"people": 1}, {"people": ("ana",)})
    names = {"ana": "Ana: Ñandú, Dr", "eve": "Eve", "new": "José"}
    said = [str(command) for command in _mail_users(unix, ["ana", "eve", "new"], "people", names)]
    assert "usermod --comment 'Ana Ñandú Dr' ana" in said
    assert any("--comment 'José'" in line or "--comment José" in line for line in said if "useradd" in line)
    assert not [line for line in said if "eve" in line and line.startswith("usermod")]
