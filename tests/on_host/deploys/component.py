"""One component alone, as the host's words and POSTHAUS_TEST (JSON) say; ``edit``: {file: [text, another text]}."""

import json
import os
from typing import Any

from pyinfra import config as pyinfra_config
from pyinfra import host

from deploys.components.apache.deploy import deploy_apache
from deploys.components.dovecot.deploy import deploy_dovecot
from deploys.components.postfix.deploy import deploy_postfix
from deploys.components.postfix.tables import owners
from deploys.components.rspamd.deploy import deploy_filter
from deploys.components.squirrelmail.deploy import deploy_squirrelmail
from deploys.components.unbound.deploy import deploy_resolver
from deploys.config.mailserver import MailServer
from facts.machine import Machine
from operations import config
from operations.file import File

SETTINGS = json.loads(os.environ["POSTHAUS_TEST"])
pyinfra_config.TEMP_DIR = "/var/tmp"
mail = MailServer.read(host.data.mail)
machine = host.get_fact(Machine)
tree = config.tree


def edited(**arguments: Any) -> Any:
    """config.tree with files that no words of ours would make."""
    for path, (old, new) in SETTINGS.get("edit", {}).items():
        if path in arguments["files"]:
            file = arguments["files"][path]
            text = file.data.decode()
            assert old in text, f"{path} has no {old!r}"
            changed = File(text.replace(old, new), file.mode, file.user, file.group)
            arguments["files"] = {**arguments["files"], path: changed}
    return tree(**arguments)


config.tree = edited
php = machine.php_version
if SETTINGS["component"] == "dovecot":
    deploy_dovecot(mail.dovecot, mail.directory, mail.tls, machine.dovecot_series, machine.ipv6, mail.learn_endpoint)
elif SETTINGS["component"] == "postfix":
    deploy_postfix(
        mail.postfix_settings(None, machine.seven_bit),
        mail.hostname,
        mail.directory,
        mail.tls,
        machine.ipv6,
        mail.resolves,
    )
elif SETTINGS["component"] == "filter" and mail.filter:
    settings = (mail.filter, mail.records, mail.signers, owners(mail.directory), mail.trusted_networks, mail.nameserver)
    deploy_filter(*settings)
elif SETTINGS["component"] == "webmail" and mail.webmail:
    deploy_squirrelmail(mail.webmail, mail.directory, mail.hostname, mail.tls, php, mail.message_size)
elif SETTINGS["component"] == "apache":
    deploy_apache(mail.webmail or None, mail.hostname, mail.tls, php, mail.message_size, mail.apache_pages)
elif SETTINGS["component"] == "resolver":
    deploy_resolver("local", machine.ipv6)
