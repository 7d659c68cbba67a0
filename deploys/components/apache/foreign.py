"""Sites that Apache serves for somebody else: they go on, and ours are added to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploys.config.mailserver import MailServer
from facts.foreign import ForeignState


@dataclass(frozen=True)
class ForeignSites:
    """Sites of somebody else, to which ours are added.

    ``names``: further names of ours, redirected to https; ``theirs``: the addresses of their sites by port (``*`` for
    any); ``listened``: the ports that their configuration has Apache listen on.
    """

    names: tuple[str, ...]
    theirs: Mapping[int, tuple[str, ...]]
    listened: tuple[int, ...]
    ports: tuple[int, ...]

    @property
    def to_listen(self) -> tuple[int, ...]:
        """The ports of ours that nobody listens on yet."""
        return tuple(port for port in self.ports if port not in self.listened)

    @property
    def alone(self) -> tuple[int, ...]:
        """The ports where none of their sites answers for names that are nobody's."""
        return tuple(port for port in self.ports if not {"*", "_default_"} & set(self.theirs.get(port, ())))

    def further(self, port: int) -> str:
        """Their addresses on ``port``, as ours must name them too: Apache looks at the address before the name."""
        own = (f" {one}:{port}" for one in self.theirs.get(port, ()) if one not in ("*", "_default_"))
        return "".join(own)


def foreign_sites(mail: MailServer, state: ForeignState) -> ForeignSites | None:
    """What Apache's configuration must know of others' sites; None where there are none."""
    if not state.serves_sites:
        return None
    ports = sorted({80, *((mail.webmail.port,) if mail.webmail else ()), *((443,) if mail.pages else ())})
    own = (*mail.names, *mail.page_names)
    first = mail.webmail.hostname if mail.webmail else mail.hostname
    there = {site.port for site in state.sites}
    return ForeignSites(
        names=tuple(name for name in own if name != first and not name.startswith("autoconfig.")),
        theirs={
            port: tuple(sorted({site.address for site in state.sites if site.port == port})) for port in sorted(there)
        },
        listened=tuple(port for port in ports if state.listens_on(port)),
        ports=tuple(ports),
    )
