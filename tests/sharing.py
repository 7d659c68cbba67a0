"""How several processes share the tests: what one of them has to run together, and what comes first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from lab.releases import RELEASES

IMAGES = "images"  # the file, among those that a run's processes share, that names the images to remove at its end
_RELEASE = re.compile(rf"\[(?:.*-)?({'|'.join(map(re.escape, RELEASES))})(?:-.*)?\]$")
# Seconds that files take on one release, roughly (script/test --durations=1 shows all): nobody shall begin a long one
# while the others have finished. A file that is not here counts by its number of tests.
SECONDS = {
    "test_verify.py": 280,
    "test_two_hosts.py": 120,
    "test_upgrade.py": 220,
    "test_accidents.py": 230,
    "test_acme.py": 260,
    "test_broken.py": 200,
    "test_vagrant.py": 120,
    "test_packages.py": 145,
    "test_ubuntu.py": 80,
    "test_networks.py": 140,
    "test_taking_over.py": 120,
    "test_transaction.py": 155,
    "test_converge.py": 150,
    "test_drift.py": 70,
    "test_summary.py": 110,
    "test_chaos.py": 60,
    "test_account.py": 90,
    "test_access.py": 60,
    "test_roundcube.py": 160,
    "test_trial.py": 90,
    "test_identity.py": 50,
    "test_webmail_looks.py": 45,
    "test_account_page.py": 30,
    "test_webmail_sessions.py": 20,
    "test_messages.py": 95,
    "test_people.py": 40,
    "test_senders.py": 50,
    "test_administration.py": 160,
    "test_archive.py": 70,
    "test_tracing.py": 50,
    "test_firewall.py": 120,
    "test_connections.py": 30,
    "test_autoconfig.py": 20,
    "test_bans.py": 70,
    "test_quota_warnings.py": 20,
    "test_renames.py": 120,
    "test_shared_mailboxes.py": 110,
    "test_status.py": 40,
    "test_metrics.py": 45,
    "test_search.py": 20,
    "test_size.py": 40,
    "test_services.py": 90,
    "test_certificates.py": 65,
    "test_mta_sts.py": 65,
    "test_rspamd.py": 65,
    "test_runs.py": 65,
    "test_refusals.py": 60,
    "test_backup.py": 125,
    "test_adopting.py": 110,
    "test_messages_from.py": 40,
    "test_backup_places.py": 100,
    "test_backup_unix.py": 75,
    "test_migrating.py": 45,
    "test_adopting_exports.py": 100,
    "test_moving.py": 45,
    "test_contacts.py": 25,
    "test_antivirus.py": 40,
    "test_postsrsd.py": 40,
    "test_sending.py": 35,
    "test_updates.py": 30,
    "test_scanners.py": 900,  # long
}
# These begin on bare hosts: whoever takes one need not wait for the first run that others are at.
BARE = {"test_vagrant.py", "test_transaction.py", "test_taking_over.py", "test_ubuntu.py", "test_adopting.py"}
ON_HOST, FAST = 5, 0.1  # seconds of any other test


def group(nodeid: str) -> str:
    """The file, and the release that a test on a host has among its parameters: such tests share what they start."""
    path = nodeid.partition("::")[0]
    named = _RELEASE.search(nodeid)
    return f"{path} {named[1]}" if named and on_host(path) else path


def on_host(path: str) -> bool:
    return path.startswith("tests/on_host/")


def longest_first(nodeids: Sequence[str]) -> list[str]:
    """Groups, the longest first; of the first two, each needs a release of its own, whose first run takes a while.
    Meanwhile who comes next takes what needs no other's first run."""
    counts = Counter(map(group, nodeids))

    def seconds(name: str) -> float:
        path, file = name.partition(" ")[0], name.partition(" ")[0].rpartition("/")[2]
        return SECONDS.get(file, counts[name] * ON_HOST) if on_host(path) else counts[name] * FAST

    order = sorted(counts, key=seconds, reverse=True)
    releases = dict.fromkeys(name.partition(" ")[2] for name in order if " " in name)
    first = [next(name for name in order if name.endswith(f" {release}")) for release in releases]
    first += [name for name in order if name not in first and name.partition(" ")[0].rpartition("/")[2] in BARE]
    return first + [name for name in order if name not in first]
