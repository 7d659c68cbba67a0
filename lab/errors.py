"""What can go wrong in the lab, told apart from what can go wrong with the mail server."""

from __future__ import annotations


class LabError(Exception):
    """The lab itself failed: no engine, a host that does not start. The message says what to do."""


class Unavailable(LabError):
    """Something that this machine cannot have (an image whose registry does not answer). Tests skip, and say so."""
