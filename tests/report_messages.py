"""Reports as others send them, made here: DMARC's (RFC 7489, appendix C) and TLS-RPT's (RFC 8460, 4.5)."""

from __future__ import annotations

import gzip
import json
from email.message import EmailMessage

OURS, ELSEWHERE = "192.0.2.10", "203.0.113.7"
_ROW = """<record><row><source_ip>{address}</source_ip><count>{count}</count><policy_evaluated>
<disposition>none</disposition><dkim>{result}</dkim><spf>{result}</spf></policy_evaluated></row>
<identifiers><header_from>{domain}</header_from></identifiers><auth_results>
<dkim><domain>{domain}</domain><selector>mail</selector><result>{result}</result></dkim>
<spf><domain>{domain}</domain><result>{result}</result></spf></auth_results></record>"""
_XML = """<?xml version="1.0"?><feedback><report_metadata><org_name>{who}</org_name><email>noreply@{who}</email>
<report_id>{number}</report_id><date_range><begin>1795478400</begin><end>1795564799</end></date_range>
</report_metadata><policy_published><domain>{domain}</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp>
<pct>100</pct></policy_published>{rows}</feedback>"""


def _message(who: str, domain: str, kind: str, data: bytes, name: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = f"noreply@{who}", f"postmaster@{domain}"
    message["Subject"] = f"Report Domain: {domain} Submitter: {who} Report-ID: <1>"
    message["Date"] = "Wed, 25 Nov 2026 10:00:00 +0000"
    message.set_content("This is a report.")
    message.add_attachment(data, maintype="application", subtype=kind, filename=name)
    return message.as_bytes()


def dmarc(*rows: tuple[str, int, str], who: str = "google.com", number: int = 1, domain: str = "example.com") -> bytes:
    text = "".join(_ROW.format(address=a, count=count, result=result, domain=domain) for a, count, result in rows)
    xml = _XML.format(who=who, number=number, domain=domain, rows=text).encode()
    return _message(who, domain, "gzip", gzip.compress(xml), f"{who}!{domain}!1!2.xml.gz")


def raw(data: bytes, kind: str = "gzip", name: str = "google.com!example.com!1!2.xml.gz") -> bytes:
    """A message that says it is a report, with whatever attached."""
    return _message("google.com", "example.com", kind, data, name)


def tls(failed: object, domain: str = "example.com", number: str = "1") -> bytes:
    detail = {"result-type": "certificate-expired", "sending-mta-ip": "192.0.2.1", "failed-session-count": failed}
    policy = {
        "policy": {"policy-type": "sts", "policy-string": ["version: STSv1"], "policy-domain": domain},
        "summary": {"total-successful-session-count": 40, "total-failure-session-count": failed},
        "failure-details": [detail] if failed else [],
    }
    days = {"start-datetime": "2026-11-24T00:00:00Z", "end-datetime": "2026-11-24T23:59:59Z"}
    whole = {
        "organization-name": "Google",
        "date-range": days,
        "contact-info": "tls@google.com",
        "report-id": number,
        "policies": [policy],
    }
    return _message("google.com", domain, "tlsrpt+gzip", gzip.compress(json.dumps(whole).encode()), "report.json.gz")
