"""A trial: one command from nothing to a converged, verified mail server that a person can look at."""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound

from deploys.components.squirrelmail.options import Webmail
from deploys.components.squirrelmail.source import squirrelmail_tree
from deploys.config.mailserver import MailServer
from deploys.config.read import SettingsError, settings
from deploys.download import DownloadError
from lab import accounts, engine, images, ssh
from lab import host as lab_host
from lab.errors import LabError
from lab.host import LabHost
from lab.progress import say, step
from lab.pyinfra import ROOT, command
from lab.releases import RELEASES


def name_of(checkout: Path) -> str:
    """The trial's container of one checkout alone: others on the same machine have theirs. (As in the Vagrantfile.)"""
    return f"posthaus-trial-{hashlib.sha256(str(checkout).encode()).hexdigest()[:8]}"


TRIAL = ROOT / ".trial"
NAME = name_of(ROOT)
VAGRANT_NAME = "mail"  # the Vagrantfile's name for its machine
SHORT = ".trial/mail.yaml"
WEB_PORT = 8443
ROUNDCUBE = {"program": "roundcube"}
PORTS = {443: WEB_PORT, 993: 8993, 465: 8465, 22: 0}  # of the host: which of this machine's, if that is free


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _options(arguments)
    try:
        if options.down:
            return down()
        if options.accounts:
            return prepare_vagrant(options.release if options.image else None)
        return up(options.release)
    except LabError as error:
        say(f"✗ {error}")
        return 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/trial", description="Start, converge and verify a throwaway mail server."
    )
    parser.add_argument(
        "--release", choices=RELEASES, default="debian-12", help="what the host runs (default: %(default)s)"
    )
    parser.add_argument("--down", action="store_true", help="take the host away, and all that belongs to it")
    parser.add_argument(
        "--accounts", action="store_true", help="only write mail.yaml for Vagrant's machine (the Vagrantfile asks)"
    )
    parser.add_argument(
        "--image", action="store_true", help="with --accounts: make the image too (Vagrant's docker provider)"
    )
    return parser.parse_args(arguments)


def up(release: str) -> int:
    """Host, mail.yaml, converge, verify, and how to look. Returns the exit code of the first command that failed."""
    webmail, why = webmail_to_be_had()  # asked first: it takes a second, and an image takes a minute
    if webmail == ROUNDCUBE:
        say(f"! {why}\n! So the webmail of this trial is Roundcube, from the release's own packages.")
    client = engine.ensure()
    host = running(client, release) or start(client, release)
    secrets = accounts.write(TRIAL, [host.inventory()], webmail)
    for deploy in ("deploys/mail.py", "deploys/verify.py"):
        if code := pyinfra("inventory.py", deploy, "-y"):
            return code
    (TRIAL / "ca.pem").write_bytes(host.read("/etc/ssl/posthaus/ca/ca.pem"))
    print(how_to_look(host, secrets, webmail, why))
    return 0


def webmail_to_be_had() -> tuple[dict[str, str] | bool, str]:
    """The option ``webmail`` of a new trial (True: nothing to say), and why it is not the usual one, as a sentence.

    Raises LabError where options of an earlier trial want one that cannot be had.
    """
    said = _said()
    if said is not None and not said.webmail:
        return False, f"{SHORT} says webmail: false"
    page = (said and said.webmail) or Webmail()
    if page.program == "roundcube":
        return True, ""
    try:
        with step("Asking for SquirrelMail's source"):
            squirrelmail_tree(page)
    except DownloadError as error:
        if said is not None:
            raise LabError(f"{error}; or write `webmail: {{program: roundcube}}` into {SHORT}") from None
        return ROUNDCUBE, f"SquirrelMail's source cannot be had here: {error}"
    return True, ""


def _said() -> MailServer | None:
    """The options of an earlier call, which a person may have edited; None where there are none."""
    if not (TRIAL / "mail.yaml").exists():
        return None
    try:
        return settings(TRIAL / "mail.yaml")
    except SettingsError as error:
        raise LabError(str(error)) from None


def running(client: docker.DockerClient, release: str) -> LabHost | None:
    """The trial's host of an earlier call, started if it was stopped; one of another release is taken away."""
    try:
        container = client.containers.get(NAME)
    except NotFound:
        return None
    if container.labels.get("posthaus.release") != release:
        say(f"Taking the host of {container.labels.get('posthaus.release')} away for one of {release}")
        container.remove(force=True, v=True)
        return None
    try:
        container.start()
    except APIError as error:  # such as a port that somebody else took while it was stopped
        raise LabError(f"{error.explanation}: `script/trial --down` takes it away, then begin again") from None
    host = _host(container, release)
    return host.wait()


def start(client: docker.DockerClient, release: str) -> LabHost:
    """A new host for the trial: webmail, IMAP, submission and SSH on ports of this machine's loopback."""
    images.ensure(client, release)
    ports = {port: free_port(wish) for port, wish in PORTS.items()}
    labels = {"posthaus.release": release, "posthaus.checkout": str(ROOT)}
    with step(f"Starting a host with {release}"):
        return lab_host.start(client, NAME, release, TRIAL, ports=ports, labels=labels)


def _host(container: Any, release: str) -> LabHost:
    """The running container as a LabHost, with the ports that it was started with."""
    bindings = container.attrs["HostConfig"]["PortBindings"]
    ports = {int(port.partition("/")[0]): int(there[0]["HostPort"]) for port, there in bindings.items()}
    return LabHost(NAME, release, container, TRIAL / NAME, ssh.key_pair(TRIAL), RELEASES[release].user, ports=ports)


def free_port(wish: int = 0) -> int:
    """``wish`` if nobody listens there, else a port that the kernel finds free."""
    for port in (wish, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise LabError("This machine has no free port left")


def pyinfra(*arguments: str) -> int:
    """Run pyinfra as a person would, seen by the person. Returns its exit code."""
    say(f"\n$ pyinfra {shlex.join(arguments)}")
    return subprocess.run([command(), *arguments], cwd=ROOT, env={**os.environ, "POSTHAUS_SITE": str(TRIAL)}).returncode


def how_to_look(host: LabHost, secrets: Mapping[str, str], webmail: object = True, why: str = "") -> str:
    """What a person wants to know now; ``why`` the webmail is not the usual one, or is not there."""
    people = "\n".join(f"    {address}   {password}" for address, password in secrets.items())
    site_word = "POSTHAUS_SITE=.trial " if (ROOT / "site").is_dir() else ""
    return f"""
The mail server runs. Its certificate comes from a CA of its own (.trial/ca.pem), so a browser asks once.

{_port_list(host.ports, webmail, why)}

{people}

Change its options   .trial/mail.yaml
Converge again       {site_word}.venv/bin/pyinfra inventory.py deploys/mail.py
Verify it again      {site_word}.venv/bin/pyinfra inventory.py deploys/verify.py
Look inside          docker exec -it {NAME} bash
Stop and remove it   script/trial --down"""


def _port_list(ports: Mapping[int, int], webmail: object, why: str) -> str:
    """Where to look: the webmail, or what there is without it."""
    mail = [f"    IMAP, TLS      localhost:{ports[993]}", f"    SMTP, TLS      localhost:{ports[465]}"]
    web = f"https://localhost:{ports[443]}/"
    if webmail:
        other = [f"    It is Roundcube: {why}"] if why else []
        return "\n".join([f"    {web}", *other, *(mail if 993 in ports else [])])
    setup = f"    how to set a mail program up     {web}setup/"
    return "\n".join([f"No webmail: {why}", "", *mail, setup])


def down() -> int:
    """Remove what this checkout's trial started: its host, its options, and the engine if nobody else uses that.

    Nothing to remove is fine too.
    """
    if engine.answers():
        client = engine.client()
        try:
            client.containers.get(NAME).remove(force=True, v=True)
            say("The trial's host is gone")
        except NotFound:
            say("There is no trial running")
    if told := engine.stop():
        say(told)
    if any((ROOT / ".vagrant").glob("machines/*/*/id")):
        say("Vagrant's machine stays; `vagrant destroy` takes it away")
    shutil.rmtree(TRIAL, ignore_errors=True)
    return 0


def prepare_vagrant(release: str | None) -> int:
    """Write mail.yaml, a key, and an inventory that names Vagrant's machine; make the image of ``release`` if any."""
    key = ssh.key_pair(TRIAL)
    hosts = TRIAL / "known_hosts"
    hosts.touch(mode=0o600)
    data = {"ssh_known_hosts_file": str(hosts), "ssh_strict_host_key_checking": "no", "_sudo": True}
    secrets = accounts.write(TRIAL, [(f"@vagrant/{VAGRANT_NAME}", data)])
    if release:
        images.ensure(engine.ensure(), release)
    say(f"Accounts for the trial, key {key.name}: " + ", ".join(f"{who} {secret}" for who, secret in secrets.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
