"""Messages as the world writes them: long, folded, encoded, mislabelled, signed, cut off. Bytes, lines end in CR LF."""

from __future__ import annotations

import base64
from email.utils import formatdate

DATE = formatdate(1767225600)
UTF8 = "Content-Type: text/plain; charset=utf-8"
EIGHT = "Content-Transfer-Encoding: 8bit"
TEXT = "Grüße, naïve café, 郵便, 💌.\r\n"
PEOPLE = [f"Person Number {number} <person{number}@outside.example>" for number in range(120)]
MANY = ", ".join(f"p{number}@outside.example" for number in range(2500))
WORD = base64.b64encode("Příliš žluťoučký kůň ".encode()).decode()
INNER = "From: x@outside.example\r\nReceived: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\nUser-Agent: Bar\r\n"
ORIGINAL = f"{INNER}X-Originating-IP: 203.0.113.5\r\nSubject: the original\r\nDate: {DATE}\r\n"


def mime(kind: str, *more: str) -> list[str]:
    """The headers of a MIME message of this kind."""
    return ["MIME-Version: 1.0", f"Content-Type: {kind}", *more]


def multipart(kind: str, *parts: str, end: str = "--b--\r\n") -> str:
    """A body of these parts, each with its own headers."""
    return "".join(f"--b\r\n{part}\r\n" for part in parts) + end


MIXED = mime('multipart/mixed; boundary="b"')
PLAIN8 = mime("text/plain; charset=utf-8", EIGHT)
NESTED = "".join(
    f'Content-Type: multipart/mixed; boundary="n{n}"\r\n\r\n--n{n}\r\n' for n in range(15)
)  # none is closed
# name: (headers beyond From, To, Subject, Date and Message-ID; body). A header named here takes the usual one's place.
CASES: dict[str, tuple[list[str], str | bytes]] = {
    "plain": ([], "One line.\r\n"),
    "8bit": (PLAIN8, TEXT),
    "8bit-in-parts": (
        [*MIXED, EIGHT],
        multipart("mixed", f"{UTF8}\r\n{EIGHT}\r\n\r\n{TEXT}", f"{UTF8}\r\n\r\nascii\r\n"),
    ),
    "8bit-part-below-a-7bit-whole": (MIXED, multipart("mixed", f"{UTF8}\r\n{EIGHT}\r\n\r\n{TEXT}")),
    "8bit-said-to-be-7bit": (mime("text/plain; charset=utf-8", "Content-Transfer-Encoding: 7bit"), TEXT),
    "8bit-without-a-word": ([], TEXT),
    "binary": (mime("text/plain; charset=utf-8", "Content-Transfer-Encoding: binary"), TEXT),
    "quoted-printable": (
        mime("text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable"),
        "Gr=C3=BC=C3=9Fe and a soft=\r\n break, a space=20\r\n=2E\r\n",
    ),
    "base64": (
        mime("text/plain; charset=utf-8", "Content-Transfer-Encoding: base64"),
        base64.encodebytes(TEXT.encode() * 20).decode().replace("\n", "\r\n"),
    ),
    "windows-1250": (mime("text/plain; charset=windows-1250", EIGHT), "Příliš žluťoučký kůň\r\n".encode("cp1250")),
    "iso-2022-jp": (mime("text/plain; charset=iso-2022-jp"), "郵便局です\r\n".encode("iso2022_jp")),
    "every-byte": (
        mime("application/octet-stream", EIGHT),
        bytes(n for n in range(1, 256) if n not in (10, 13)) + b"\r\n",
    ),
    "long-line": ([], "x" * 3007 + "\r\n"),
    "long-line-8bit": (PLAIN8, "ü" * 1650 + ".\r\n"),
    "lines-at-the-limits": ([], "".join("y" * n + "\r\n" for n in (997, 998, 999, 1000, 2047, 2048, 2049, 4096))),
    "one-line-of-70000": ([], "z" * 70_000 + "\r\n"),
    "long-references": (["References: " + " ".join(f"<{n:040}@outside.example>" for n in range(28))], "x\r\n"),
    "to-120-folded": (["To: " + ",\r\n ".join(PEOPLE)], "x\r\n"),
    "to-120-in-one-line": (["To: " + ", ".join(PEOPLE)], "x\r\n"),
    "to-2500": ([f"To: {MANY}"], "x\r\n"),
    "to-a-group": (["To: undisclosed-recipients:;"], "x\r\n"),
    "addresses-with-comments": (['To: (a comment) "Last, First" <x@outside.example> (more)'], "x\r\n"),
    "bcc": (["Bcc: secret@outside.example"], "x\r\n"),
    "subject-folded": (["Subject: one\r\n two\r\n\tthree\r\n   four"], "x\r\n"),
    "subject-base64": (["Subject: " + "\r\n ".join(f"=?UTF-8?B?{WORD}?=" for _ in range(6))], "x\r\n"),
    "subject-quoted": (["Subject: =?iso-8859-2?Q?P=F8=EDli=B9?= =?iso-8859-2?Q?_=BElu=BB?="], "x\r\n"),
    "subject-raw-8bit": (["Subject: Grüße"], "x\r\n"),
    "subject-missing": (["Subject:"], "x\r\n"),
    "header-folded-after-its-name": (["X-Folded:\r\n value"], "x\r\n"),
    "header-empty-and-spaces": (["X-Empty:", "X-Spaces:   a  \t b   "], "x\r\n"),
    "header-repeated": (["X-Twice: 1", "X-Twice: 2", "x-twice: 3"], "x\r\n"),
    "header-in-capitals": (["SUBJECT: LOUD", "X-LOUD: YES"], "x\r\n"),
    "list-headers": (["List-Id: <l.outside.example>", "List-Unsubscribe: <mailto:u@outside.example>"], "x\r\n"),
    "no-date-no-message-id": (["-Date", "-Message-ID"], "x\r\n"),
    "empty-body": ([], ""),
    "blank-lines-only": ([], "\r\n\r\n\r\n"),
    "blank-lines-at-the-end": ([], "x\r\n\r\n\r\n\r\n"),
    "blanks-and-tabs": ([], "a  b\t\tc   \r\n   \r\n\t\r\n"),
    "dots": ([], ".\r\n..\r\n...\r\n.x\r\n. \r\nx.\r\n"),
    "from-line": ([], "From here on\r\n>From there\r\n"),
    "flowed": (
        mime("text/plain; charset=utf-8; format=flowed; delsp=no"),
        "A line that \r\nflows on.\r\n From\r\n-- \r\nx\r\n",
    ),
    "winmail.dat": (
        MIXED,
        multipart(
            "mixed",
            'Content-Type: application/ms-tnef; name="winmail.dat"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
            "eJ8+IgAAAQaQCAAEAAAAAAABAAEAAQeQBgAIAAAA5AQAAAAAAADoAAEIgAcAGAAAAElQTS5N\r\n",
        ),
    ),
    "s-mime": (
        mime('multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="b"'),
        "This is a signed message\r\n"
        + multipart(
            "signed",
            f"Content-Type: text/plain; charset=utf-8\r\n\r\n{'a' * 1200}  \r\n\r\n",
            'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
            "MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEFADCABgkqhkiG9w0BBwEAAA==\r\n",
        ),
    ),
    "pgp-mime": (
        mime('multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"; boundary="b"'),
        multipart(
            "signed",
            f"{UTF8}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe =\r\n\r\n",
            'Content-Type: application/pgp-signature; name="signature.asc"\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\n'
            "iHUEARYKAB0WIQ==\r\n=abcd\r\n-----END PGP SIGNATURE-----\r\n",
        ),
    ),
    "pgp-inline": (
        [],
        "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\n- -- dashed\r\ntrailing  \r\n"
        "-----BEGIN PGP SIGNATURE-----\r\n\r\niHUEARYKAB0WIQ==\r\n-----END PGP SIGNATURE-----\r\n",
    ),
    "preamble-and-epilogue": (MIXED, "before\r\n" + multipart("mixed", "\r\nx\r\n") + "after\r\n\r\n"),
    "never-closed": (MIXED, multipart("mixed", "\r\nx\r\n", end="")),
    "no-boundary": (mime("multipart/mixed"), "--b\r\n\r\nx\r\n"),
    "nested-15": (["MIME-Version: 1.0", NESTED.rstrip("\r\n").split("\r\n\r\n", 1)[0]], NESTED.split("\r\n\r\n", 1)[1]),
    "message-attached": (
        MIXED,
        multipart("mixed", f"Content-Type: message/rfc822\r\n\r\n{ORIGINAL}\r\nThe original.\r\n"),
    ),
    "message-attached-8bit": (
        [*MIXED, EIGHT],
        multipart(
            "mixed",
            f"Content-Type: message/rfc822\r\n{EIGHT}\r\n\r\n{ORIGINAL}"
            f"MIME-Version: 1.0\r\n{UTF8}\r\n{EIGHT}\r\n\r\n{TEXT}",
        ),
    ),
    "attachment-of-200-kb": (
        MIXED,
        multipart(
            "mixed",
            "Content-Type: application/pdf; name*=UTF-8''Gr%C3%BC%C3%9Fe.pdf\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(bytes(range(256)) * 600).decode().replace("\n", "\r\n"),
        ),
    ),
    "calendar": (
        mime("text/calendar; method=REQUEST; charset=utf-8", EIGHT),
        f"BEGIN:VCALENDAR\r\nSUMMARY:{TEXT}END:VCALENDAR\r\n",
    ),
    "html-8bit": (mime("text/html; charset=utf-8", EIGHT), f"<p>{TEXT}</p>" + "<br>" * 400 + "\r\n"),
    "uuencoded": ([], "begin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n"),
    "report": (
        mime('multipart/report; report-type=disposition-notification; boundary="b"'),
        multipart(
            "report",
            "\r\nread\r\n",
            "Content-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;x@y\r\n",
        ),
    ),
}


def corpus(sender: str, recipient: str, run: str) -> dict[str, bytes]:
    """All messages by name; ``X-Corpus: run/name`` tells each one afterwards."""
    return {name: _message(f"{run}/{name}", sender, recipient, *case) for name, case in CASES.items()}


def _message(mark: str, sender: str, recipient: str, headers: list[str], body: str | bytes) -> bytes:
    usual = {
        "From": f"From: =?utf-8?Q?Some=20B=C3=B6dy?= <{sender}>",
        "To": f"To: {recipient}",
        "Subject": "Subject: one of many",
        "Date": f"Date: {DATE}",
        "Message-ID": f"Message-ID: <{mark.replace('/', '.')}@outside.example>",
    }
    said = {header.split(":")[0].removeprefix("-").lower() for header in headers}
    head = [line for name, line in usual.items() if name.lower() not in said]
    lines = [f"X-Corpus: {mark}", *head, *(header for header in headers if not header.startswith("-"))]
    text = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"
    return text + (body.encode() if isinstance(body, str) else body)
