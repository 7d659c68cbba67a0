"""Owner and mode of files that others fill."""

from __future__ import annotations

from facts.directories import Directories


class Files(Directories):
    """``{path: (mode, user, group)}`` of those paths that are files, empty or not.

    ``pyinfra inventory.py fact facts.files.Files paths='["/etc/hosts"]'``
    """

    kinds = ("regular file", "regular empty file")
