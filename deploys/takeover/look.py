"""What preflight asks and says about somebody else's configuration."""

from __future__ import annotations

from collections.abc import Sequence

from deploys.components import all as every
from deploys.components.component import Component, Context, Tree
from deploys.takeover import problems
from deploys.takeover.existing import Existing, existing
from facts.foreign import Foreign, ForeignState
from facts.state import tree_id
from facts.survey import Question, question


def about(context: Context, parts: Sequence[Component]) -> Question[ForeignState]:
    """What to ask the host. ``parts``: what ``context`` declares."""
    owner = context.mail.vmail
    # Apache in any case: where nothing of ours asks for it, it goes on for others.
    asked = dict.fromkeys([*(part.takeover for part in parts if part.takeover), "apache", "files"])
    shared = [tree for part in parts for tree in part.of(Tree) if tree.shared]
    return question(
        Foreign,
        components=list(asked),
        user=owner.name,
        uid=owner.uid,
        gid=owner.group_id,
        php=context.php,
        files=[(tree_id(tree.target), path, f"{tree.target}/{path}") for tree in shared for path in tree.files],
    )


def directories(context: Context) -> dict[str, str]:
    """The directory of each component that may be taken over whole, by the name that the option ``takeover`` has."""
    return {part.takeover: part.of(Tree)[0].target for part in every.declared(context) if part.takeover}


def found(context: Context) -> list[Existing]:
    """What the run would replace."""
    mail, machine, state = context.mail, context.machine, context.foreign
    own = (mail.hostname, machine.hostname, state.hostname)
    return existing(state, own, mail.domains, mail.accounts == "system")


def takeover_problems(context: Context) -> list[str]:
    """What stands in the way of it."""
    mail, state = context.mail, context.foreign
    people = [mail.directory.login(address) for address in mail.mailboxes] if mail.accounts == "system" else None
    return [
        *problems.not_allowed(found(context), mail.takeover),
        *problems.account_problems(state, mail.vmail, people),
        *problems.site_problems(state, (*mail.names, *mail.page_names)),
    ]
