"""Strangers at a test host: addresses of a network of their own, in a namespace of the host's kernel (ip-netns(8)).

To the host they are other machines: nothing of theirs comes from loopback, nor from the engine's networks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lab.mailhost import MailHost
from tests.on_host.browsing import HOSTNAME

HERE = "198.51.100.1"  # the host's own in that network (RFC 5737)
HERE6, OURS6 = "2001:db8:64::1", "2001:db8:64::/47"
NAME = "strangers"
_MAKE = f"""set -e
ip netns add {NAME}
ip link add to-{NAME} type veth peer name out netns {NAME}
ip addr add {HERE}/24 dev to-{NAME}
ip link set to-{NAME} up
ip -n {NAME} link set lo up
ip -n {NAME} link set out up
for number in $(seq 10 60); do ip -n {NAME} addr add 198.51.100.$number/24 dev out; done
"""
_END = f"""ip link del to-{NAME}
ip netns del {NAME}
for set in v4 v6; do nft flush set inet posthaus_bans $set; done
"""
# What one of them tries: on standard input, as JSON, who does what; on standard output, what came of each.
_PROGRAM = r"""
import base64, http.client, json, re, smtplib, socket, ssl, sys, time, urllib.parse
from concurrent.futures import ThreadPoolExecutor

plan = json.load(sys.stdin)
here, page = plan["here"], plan["page"]
anything = ssl._create_unverified_context()

def dial(source, port):
    return socket.create_connection((here, port), 60, source_address=(source, 0))

def lines(sock, *words):
    with sock, sock.makefile("rwb") as stream:
        said = stream.readline()
        for word in words:
            stream.write(word.encode() + b"\r\n")
            stream.flush()
            said = stream.readline()
        return said.decode().strip()

def imap(source, login, password):
    return lines(anything.wrap_socket(dial(source, 993)), f'a LOGIN "{login}" "{password}"')

def timed(source, login, password):
    began = time.monotonic()
    said = imap(source, login, password)
    return f"{time.monotonic() - began} {said}"

def pop3(source, login, password):
    return lines(anything.wrap_socket(dial(source, 995)), f"USER {login}", f"PASS {password}")

def sieve(source, login, password):
    sock = dial(source, 4190)
    stream = sock.makefile("rwb")
    while not stream.readline().startswith(b"OK"):
        pass
    stream.write(b"STARTTLS\r\n")
    stream.flush()
    stream.readline()
    with anything.wrap_socket(sock) as secure, secure.makefile("rwb") as stream:
        while not stream.readline().startswith(b"OK"):
            pass
        plain = base64.b64encode(f"\0{login}\0{password}".encode()).decode()
        stream.write(f'AUTHENTICATE "PLAIN" "{plain}"\r\n'.encode())
        stream.flush()
        return stream.readline().decode().strip()

def smtp(source, login, password):
    with smtplib.SMTP(here, 587, "stranger.example", 60, (source, 0)) as client:
        client.starttls(context=anything)
        client.ehlo()
        plain = base64.b64encode(f"\0{login}\0{password}".encode()).decode()
        return str(client.docmd("AUTH", f"PLAIN {plain}"))

class Page:
    def __init__(self, source):
        self.way = http.client.HTTPSConnection(here, 443, timeout=60, source_address=(source, 0), context=anything)
        self.headers = {"Host": page}

    def ask(self, method, path, fields=None):
        body = urllib.parse.urlencode(fields) if fields else None
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
        self.way.request(method, path, body, {**self.headers, **kind})
        answer = self.way.getresponse()
        text = answer.read().decode("utf-8", "replace")
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            kept = dict(re.findall("([^;=]+)=([^;]*)", self.headers.get("Cookie", "")))
            name, _, value = cookie.partition(";")[0].partition("=")
            kept[name] = value
            self.headers["Cookie"] = "; ".join(f"{one}={kept[one]}" for one in kept)
        return answer.status, text

def hidden(text):
    inputs = [dict(re.findall('([a-z]+)="([^"]*)"', one)) for one in re.findall("<input[^>]*>", text)]
    return {one["name"]: one.get("value", "") for one in inputs if one.get("type") == "hidden"}

def patient(browser, path, fields):
    status, text = browser.ask("POST", path, fields)
    while status == 429:  # too many at once
        time.sleep(1)
        status, text = browser.ask("POST", path, fields)
    return status, text

def squirrelmail(source, login, password):
    browser = Page(source)
    fields = hidden(browser.ask("GET", "/src/login.php")[1])
    status, text = patient(browser, "/src/redirect.php", {**fields, "login_username": login, "secretkey": password})
    return f"{status} {'incorrect' in text}"

def roundcube(source, login, password):
    browser = Page(source)
    fields = hidden(browser.ask("GET", "/?_task=login")[1])
    status, text = patient(browser, "/?_task=login", {**fields, "_user": login, "_pass": password})
    return f"{status}"

def reach(source, port, _):
    with dial(source, int(port)):
        return "open"

def attempt(one):
    try:
        return globals()[one["how"]](one["source"], one["login"], one["password"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"

with ThreadPoolExecutor(plan["at_once"]) as pool:
    json.dump(list(pool.map(attempt, plan["attempts"])), sys.stdout)
"""


@dataclass(frozen=True)
class Attempt:
    """``how``: a protocol or webmail, from the stranger with this ``number``; or ``reach``, ``login`` being a port."""

    how: str
    number: int
    login: str
    password: str = ""

    @property
    def source(self) -> str:
        """The stranger's address."""
        return f"198.51.100.{self.number}"


@dataclass(frozen=True)
class Strangers:
    """Those at one host."""

    host: MailHost

    def attempt(self, attempts: Sequence[Attempt], at_once: int = 30) -> list[str]:
        """What came of each: the host's own words, or the error that the stranger saw."""
        rows: list[dict[str, Any]] = [
            {"how": one.how, "source": one.source, "login": one.login, "password": one.password} for one in attempts
        ]
        plan = {"here": HERE, "page": HOSTNAME, "at_once": at_once, "attempts": rows}
        self.host.write("/run/strangers.py", _PROGRAM)
        done = self.host.run(f"ip netns exec {NAME} python3 /run/strangers.py", input=json.dumps(plan))
        return list(json.loads(done.stdout))

    def reached(self, number: int, *ports: int) -> list[bool]:
        """Whether the stranger with this number is let in at each of these ports."""
        return [one == "open" for one in self.attempt([Attempt("reach", number, str(port)) for port in ports])]

    def banned(self) -> set[str]:
        """Who is shut out, as the kernel has it."""
        said = "".join(self.host.run(f"nft -j list set inet posthaus_bans {name}").stdout for name in ("v4", "v6"))
        answers = [json.loads(line) for line in said.splitlines()]
        parts = [part["set"] for answer in answers for part in answer["nftables"] if "set" in part]
        return {one["elem"]["val"] for part in parts for one in part.get("elem", [])}


@contextmanager
def strangers(host: MailHost) -> Iterator[Strangers]:
    """Make their network; at the end it is gone, and nobody is shut out."""
    host.run(_END, check=False)
    host.run(_MAKE)
    try:
        yield Strangers(host)
    finally:
        host.run(_END, check=False)
