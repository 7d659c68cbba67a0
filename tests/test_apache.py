"""Apache, from mail.yaml to the configuration."""

from __future__ import annotations

from pathlib import Path

from deploys.components.apache import render
from deploys.components.apache.component import service
from deploys.php.pool import post_size
from tests.settings import server

GOLDEN = Path(__file__).parent / "golden" / "apache"


def configuration(**webmail: object) -> str:
    mail = server(webmail=webmail)
    return render.apache2_conf(mail, "8.2")


def test_from_yaml_to_apaches_configuration():
    assert configuration() == (GOLDEN / "apache2.conf").read_text()


def test_another_port_shows_in_every_place():
    text = configuration(hostname="post.example.com", port=8443)
    assert "Listen 8443 https" in text
    assert 'Redirect permanent / "https://post.example.com:8443/"' in text
    assert "Listen 443 https" in text, "mail programs know no other port"
    first = (
        "<VirtualHost *:8443 *:443>"  # whoever asks at 443 by address finds the webmail too, not a domain's settings
    )
    assert text.index(first) < text.index("<VirtualHost *:443>")


def test_nothing_of_the_distributions_sites_and_modules_is_read():
    includes = [line.split()[1] for line in configuration().splitlines() if line.startswith("Include")]
    assert includes == ["local.conf"]


def test_a_form_that_php_takes_is_not_refused_by_apache():
    assert f'{{HTTP:Content-Length}} -gt {post_size(50 << 20)}"' in configuration()


def test_pictures_from_elsewhere_need_the_readers_consent():
    policies = [line for line in configuration().splitlines() if "Content-Security-Policy" in line]
    assert [("https:" in line, "view_unsafe_images=1" in line) for line in policies] == [(False, False), (True, True)]


def test_apache_is_restarted_when_the_host_gets_ipv6_for_only_a_start_makes_it_listen_there():
    """Its Listen says no address, so the text would be the same; apache2.conf is among what restarts it."""
    mail = server(webmail={})
    without = render.apache2_conf(mail, "8.2", ipv6=False)
    assert "This host has no IPv6" in without
    assert without != render.apache2_conf(mail, "8.2")
    assert render.challenges_conf("h.example", ipv6=False) != render.challenges_conf("h.example")
    assert any(path.endswith("/apache2.conf") for path in service(None).restart_on)
