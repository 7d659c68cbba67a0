"""Where SquirrelMail comes from, and by which checksum, for whoever has only the release's archive."""

from __future__ import annotations

from deploys.components.squirrelmail.options import BRANCHES
from deploys.components.squirrelmail.source import TRANSLATIONS

HEAD = """SquirrelMail is not part of this archive: a run fetches it, once, onto the workstation. A commit's id is the
checksum of everything in it, and git refuses what does not fit. Without a way to GitHub, name a mirror, or see
webmail.source in docs/reference.md:
  git config --global url.MIRROR.insteadOf https://github.com/
"""


def text() -> str:
    """A line for each source: what it is, the repository, the commit."""
    sources = {**{f"webmail.branch: {name}": source for name, source in BRANCHES.items()}, "translations": TRANSLATIONS}
    return HEAD + "".join(f"\n{what}\n  {one.git}\n  {one.commit}\n" for what, one in sources.items())


if __name__ == "__main__":
    print(text(), end="")
