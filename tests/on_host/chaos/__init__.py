"""Faults, on purpose: mail in and out while a host is broken in many ways, and the count of what became of it."""
