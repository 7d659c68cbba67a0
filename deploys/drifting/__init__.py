"""Drift: what somebody changed by hand on a host. A fold over what the components declare; changes nothing."""
