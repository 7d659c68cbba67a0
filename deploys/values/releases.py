"""The releases that a mail server may run on."""

# As os-release(5) writes ID and VERSION_ID, in their order.
SUPPORTED = {"ubuntu": ("22.04", "24.04", "26.04"), "debian": ("12", "13")}
RELEASES = "Debian 12 and 13, Ubuntu 22.04, 24.04 and 26.04"  # the same, as people say it
# As their package archives call them (sources.list(5)).
CODENAMES = {
    "ubuntu": {"22.04": "jammy", "24.04": "noble", "26.04": "resolute"},
    "debian": {"12": "bookworm", "13": "trixie"},
}
