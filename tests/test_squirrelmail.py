"""SquirrelMail, from mail.yaml to the files on the host."""

from __future__ import annotations

import gettext
import io
import re
from pathlib import Path
from typing import Any

import pytest

from deploys.components.squirrelmail import catalogue, render
from deploys.components.squirrelmail.options import BRANCHES, Webmail
from deploys.components.squirrelmail.source import own_words, stamp
from deploys.config.reading.errors import SettingsError
from deploys.php import pool
from tests.settings import server

GOLDEN = Path(__file__).parent / "golden" / "squirrelmail"
HASH = "$6$abcdefgh$" + "x" * 86
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def configuration(**settings: Any) -> str:
    mail = server(**settings)
    return render.config_local_php(mail)


def page(**settings: Any) -> Webmail:
    webmail = server(webmail=settings).webmail
    assert webmail
    return webmail


def test_from_yaml_to_squirrelmails_configuration():
    assert configuration(webmail={"title": "Example Mail"}) == (GOLDEN / "config_local.php").read_text()


def test_from_yaml_to_phps_pool():
    mail = server(message_size="20M")
    assert pool.pool_conf(render.php(mail.tls), "8.2", mail.message_size) == (GOLDEN / "pool.conf").read_text()


def test_a_title_stays_one_php_string_whatever_it_holds():
    text = configuration(webmail={"title": "Pandry's \\ $x <b>Mail</b> Büro"})
    assert "htmlspecialchars('Pandry\\'s \\\\ $x <b>Mail</b> Büro', ENT_QUOTES, 'UTF-8')" in text


def test_a_bare_name_gets_the_only_domain():
    assert "$domain = 'example.com';\n        }" in configuration()


def test_with_two_domains_a_bare_name_means_nobody():
    assert "login_username" not in configuration(domains=["example.com", "example.net"])


def test_a_unix_user_logs_in_by_name_whatever_the_domain_of_the_mailbox():
    text = configuration(
        accounts="system",
        domains=["example.com", "example.net"],
        mailboxes={"tito@example.com": {}, "ana@example.net": {}},
    )
    assert "?? 'example.com'" in text
    assert "'ana' => 'example.net'," in text
    assert "'tito' =>" not in text


def test_a_domain_may_be_typed_as_people_write_it():
    text = configuration(domains=["bücher.example"], mailboxes={"anna@bücher.example": {"password": HASH}})
    assert "'bücher.example' => 'xn--bcher-kva.example'," in text
    assert "$domain = 'xn--bcher-kva.example';" in text


def test_sending_verifies_the_servers_real_name():
    text = configuration(hostname="mx.example.com")
    assert "'peer_name' => 'mx.example.com'" in text
    assert "'verify_peer' => true" in text


@pytest.mark.parametrize("size", ["1M", "50M", "1G"])
def test_what_postfix_takes_can_be_uploaded_and_a_form_is_never_cut_short(size: str):
    mail = server(message_size=size)
    text = pool.pool_conf(render.php(mail.tls), "8.2", mail.message_size)
    said = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
    upload, form, memory = (
        int(said[f"php_admin_value[{key}]"]) for key in ("upload_max_filesize", "post_max_size", "memory_limit")
    )
    assert upload * 4 / 3 <= mail.message_size  # base64
    assert upload >= mail.message_size * 0.7
    assert form > 2 * upload
    assert memory > form


def test_two_php_versions_never_share_a_socket():
    assert render.socket("8.2") != render.socket("8.4")


def test_only_our_pool_runs():
    includes = [line for line in pool.php_fpm_conf("squirrelmail", "8.4").splitlines() if line.startswith("include")]
    assert includes == ["include = /etc/php/8.4/fpm/pool.d/squirrelmail.conf"]


def test_each_branch_is_pinned_by_a_commit_of_its_own():
    assert {name: source.checksum for name, source in BRANCHES.items()} == {
        "current": "76b545c9882c605564a886ec6739287a2ee32abe",
        "stable": "bc3cee153e2db69e44a8333d2fc795ffcb0b504b",
    }
    assert page(branch="stable").pinned == BRANCHES["stable"]


def test_a_source_of_ones_own_wins_over_the_branch():
    own = page(source={"git": "https://git.example.org/squirrelmail.git", "commit": COMMIT.upper()})
    assert own.pinned.checksum == COMMIT
    assert stamp(own) != stamp(page())


@pytest.mark.parametrize(
    "source",
    [
        {"git": "https://git.example.org/squirrelmail.git"},
        {"archive": "squirrelmail.tar.bz2"},
        {"git": "https://git.example.org/x.git", "sha256": "0" * 64},
        {"git": "https://git.example.org/x.git", "commit": COMMIT, "archive": "x.tar"},
        {},
    ],
)
def test_a_source_without_its_own_checksum_is_refused(source: dict[str, str]):
    with pytest.raises(SettingsError, match=r"webmail\.source.*is not one pinned thing; write \{git: URL"):
        page(source=source)


@pytest.mark.parametrize(("key", "other"), [("commit", "git"), ("sha256", "archive")])
def test_a_checksum_that_is_not_whole_is_refused_by_its_key(key: str, other: str):
    with pytest.raises(SettingsError, match=rf"webmail\.source\.{key}.*hexadecimal digits"):
        page(source={other: "x", key: "76b545c"})


def test_a_language_that_the_webmail_has_not_is_refused_with_those_it_has():
    with pytest.raises(
        SettingsError, match=r"webmail\.language.*xx_XX is no language that SquirrelMail has.*en_US.*id_ID"
    ):
        page(language="xx_XX")
    with pytest.raises(SettingsError, match=r"webmail\.language.*branch current alone"):
        page(language="id_ID", branch="stable")


def test_a_time_zone_that_is_none_is_refused_with_those_that_are_alike():
    with pytest.raises(SettingsError, match=r"webmail\.timezone.*Asia/Djakarta is no time zone.*Asia/Jakarta"):
        page(timezone="Asia/Djakarta")
    assert "date_default_timezone_set('Asia/Jakarta');" in configuration(webmail={"timezone": "Asia/Jakarta"})


def test_translations_come_along_unless_the_source_is_ones_own():
    own = {"source": {"git": "https://git.example.org/squirrelmail.git", "commit": COMMIT}}
    assert page().translated
    assert not page(**own).translated
    assert page(**own, language="id_ID").translated
    assert not page(branch="stable").translated


def test_a_translation_is_the_same_words_in_utf_8():
    theirs = gettext.GNUTranslations(io.BytesIO(catalogue.written({b"Search": "Hledat", b"Sign Out": "Odhlásit"})))
    assert theirs.gettext("Sign Out") == "Odhlásit"
    before = catalogue.written({b"Sign Out": "X"}).replace(b"X\0", b"\xe1\0")  # one byte, in ISO 8859-2
    assert catalogue.read(catalogue.recoded(before, "iso8859-2"))[b"Sign Out"] == "á".encode()
    with pytest.raises(ValueError, match="no compiled catalogue"):
        catalogue.read(b"<html>404</html>")


def test_the_account_page_speaks_indonesian_in_every_sentence():
    said = {
        words
        for file in (Path(render.HERE) / "plugin").glob("*.php")
        for words in re.findall(r'_\("((?:[^"\\]|\\.)*)"\)', file.read_text())
    }
    upstreams = {"Save"}  # translated there
    known = own_words("id_ID")
    assert said - upstreams - set(known) == set()
    assert [text for text, words in known.items() if text.count("%s") != words.count("%s")] == []
