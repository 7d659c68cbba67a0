"""The schema and the reference say what the reader takes, and are not stale."""

import json

import jsonschema
import pytest
import yaml

from deploys import documentation
from deploys.config.mailserver import MailServer
from deploys.config.reading.errors import SettingsError
from deploys.config.reading.shape import fields_of
from tests.settings import ARGON2, ROOT, example

SCHEMA = json.loads((ROOT / documentation.SCHEMA).read_text())
MAIL_YAML = (ROOT / "group_data" / "mail.yaml").read_text()


def fits(value):
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(value)


def examples(section, path=()):
    """Every example of the schema, as complete settings that hold it."""
    for name, value in section["properties"].items():
        for one in value.get("examples", ()):
            yield pytest.param((*path, name), one, id=".".join((*path, name)))
        for kind in value.get("anyOf", [value]):
            if "$ref" in kind:
                yield from examples(SCHEMA["$defs"][kind["$ref"].rpartition("/")[2]], (*path, name))


@pytest.mark.parametrize("page", documentation.PAGES)
def test_what_is_written_from_the_code_is_fresh(page):
    assert (ROOT / page).read_text(encoding="utf-8") == documentation.PAGES[page](), "stale: run script/docs"


def test_a_stale_page_is_told_and_written_anew(tmp_path, capsys):
    assert documentation.main(["--check"], tmp_path) == 1
    assert "docs/reference.md is stale; run script/docs" in capsys.readouterr().err
    assert documentation.main([], tmp_path) == 0
    assert documentation.main(["--check"], tmp_path) == 0


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_shipped_settings_name_the_schema_and_fit_it():
    assert MAIL_YAML.startswith("# yaml-language-server: $schema=mail.schema.json\n")
    assert fits(yaml.safe_load(MAIL_YAML))
    assert len(MAIL_YAML.splitlines()) <= 10


@pytest.mark.parametrize(("path", "value"), list(examples(SCHEMA)))
def test_every_example_fits_the_schema(path, value):
    whole = example(relayhost={"host": "smtp.example.net"})
    if path[:1] == ("backup",):
        whole["backup"] = {"repository": "/srv/backups"}
    if path[:2] == ("tls", "acme"):
        update = {"server": "192.0.2.53", "key": {"file": "acme.key"}}
        whole["tls"] = {"acme": {"email": "tito@example.org", "challenge": {"rfc2136": update}}}
    settings = whole
    for key in path[:-1]:
        settings = settings.setdefault(key, {})
    settings[path[-1]] = value
    assert fits(whole), list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(whole))


@pytest.mark.parametrize(
    "changes",
    [
        {"quota": 5},
        {"quota": "1.5 GiB"},
        {"webmail": False},
        {"webmail": {}},
        {"webmail": {"port": 8443, "title": "Büro"}},
        {"aliases": None},
        {"mailboxes": {"a@example.org": None}, "accounts": "system"},
        {"mailboxes": {"a@example.org": {"password": ARGON2, "quota": 0}}},
        {"postfix": {"parameters": {"a": 1, "b": "x", "c": True}}},
        {"dovecot": {"protocols": ["imap"]}},
    ],
)
def test_what_the_reader_takes_the_schema_takes(changes):
    settings = {**example(), **changes}
    assert MailServer.read(settings)
    assert fits(settings)


@pytest.mark.parametrize(
    "changes",
    [
        {"hostnam": "x"},
        {"webmail": True},
        {"webmail": {"port": "443"}},
        {"quota": "lots"},
        {"domains": []},
        {"aliases": {"x@example.org": []}},
        {"relayhost": {"host": "smtp.example.net", "username": "x", "password": "clear"}},
        {"accounts": "unix"},
        {"mailboxes": {"a@example.org": {"password": "clear"}}},
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(changes):
    assert not fits({**example(), **changes})
    with pytest.raises(SettingsError):
        MailServer.read(example(**changes))


def test_the_reference_has_every_option():
    text = (ROOT / documentation.REFERENCE).read_text()
    settings = [f"## `{name}`" for name in fields_of(MailServer)]
    assert [line for line in text.splitlines() if line.startswith("## ")] == settings
