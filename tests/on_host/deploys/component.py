"""One component alone, as the host's words and POSTHAUS_TEST (JSON) say; ``edit``: {file: [text, another text]}."""

import json
import os
from typing import Any

from pyinfra import config as pyinfra_config
from pyinfra import host

from deploys.apache.deploy import deploy_apache
from deploys.dovecot.deploy import deploy_dovecot
from deploys.filter.deploy import deploy_filter
from deploys.mailserver import MailServer
from deploys.postfix.deploy import deploy_postfix
from deploys.postfix.tables import owners
from deploys.resolver.deploy import deploy_resolver
from deploys.squirrelmail.deploy import deploy_squirrelmail
from facts.machine import Machine
from operations import config
from operations.file import File

WORDS = json.loads(os.environ["POSTHAUS_TEST"])
pyinfra_config.TEMP_DIR = "/var/tmp"
mail = MailServer.read(host.data.mail)
machine = host.get_fact(Machine)
tree = config.tree


def edited(**arguments: Any) -> Any:
    """config.tree with files that no words of ours would make."""
    for path, (old, new) in WORDS.get("edit", {}).items():
        if path in arguments["files"]:
            file = arguments["files"][path]
            text = file.data.decode()
            assert old in text, f"{path} has no {old!r}"
            changed = File(text.replace(old, new), file.mode, file.user, file.group)
            arguments["files"] = {**arguments["files"], path: changed}
    return tree(**arguments)


config.tree = edited
php = machine.php_version
if WORDS["component"] == "dovecot":
    deploy_dovecot(mail.dovecot, mail.directory, mail.tls, machine.dovecot_series, machine.ipv6, mail.teacher)
elif WORDS["component"] == "postfix":
    deploy_postfix(
        mail.postfix_room(None, machine.seven_bit), mail.hostname, mail.directory, mail.tls, machine.ipv6, mail.resolves
    )
elif WORDS["component"] == "filter" and mail.filter:
    words = (mail.filter, mail.records, mail.signers, owners(mail.directory), mail.trusted_networks, mail.nameserver)
    deploy_filter(*words)
elif WORDS["component"] == "webmail" and mail.webmail:
    deploy_squirrelmail(mail.webmail, mail.directory, mail.hostname, mail.tls, php, mail.message_size)
elif WORDS["component"] == "apache":
    deploy_apache(mail.webmail or None, mail.hostname, mail.tls, php, mail.message_size, mail.apache_pages)
elif WORDS["component"] == "resolver":
    deploy_resolver("local", machine.ipv6)
