"""Contacts into the webmail's address books, by the operator's word."""

from __future__ import annotations

from pyinfra import host, state
from pyinfra.api import FunctionCommand, StringCommand, deploy, operation
from pyinfra.api.output import echo

from deploys import asking, shipping
from deploys.addressbooks.program import main, personal, roundcube, rows, squirrelmail
from deploys.addressbooks.request import Request

MODULES = (rows, squirrelmail, personal, roundcube, main)  # in the order of their imports
SECONDS = 3600


@deploy("Contacts")
def deploy_request(request: Request) -> None:
    """Do it, and print what became of each person's."""
    asked(name=request.name, request=request)


@operation(is_idempotent=False)
def asked(request: Request):  # type: ignore[no-untyped-def]
    """
    Have the host add contacts to its webmail's address books.

    + request: whose, and which
    """
    if state.is_executing:
        for one in request.nobodys:
            echo(f"{host.name}: {one}: nobody has a mailbox by this name; left out", err=True)
        script = shipping.script(main, MODULES, request.plan)
        done, output = asking.run(StringCommand("python3 -I -B -"), print_output=True, _stdin=script, _timeout=SECONDS)
        if done:
            return
        asking.complain(host.name, output, printed=True)
    yield FunctionCommand(asking.fail, (), {})
