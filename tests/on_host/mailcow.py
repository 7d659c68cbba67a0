"""Programs set up as mailcow sets them up, without its containers: MariaDB with its tables, Redis, Dovecot 2.3 with its
plugins; ``docker`` runs what it is asked to on the host itself."""

from __future__ import annotations

from lab.mailhost import MailHost
from tests.on_host import guided

ADDRESS = "tito@alt.example"
KEY = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----"
_TABLES = """CREATE DATABASE mailcow CHARACTER SET utf8mb4;
USE mailcow;
CREATE TABLE mailbox (username varchar(255) NOT NULL, password varchar(255) NOT NULL, name varchar(255),
    description varchar(255), mailbox_path_prefix varchar(150) DEFAULT '/var/vmail/',
    quota bigint NOT NULL DEFAULT 102400,
    local_part varchar(255) NOT NULL, domain varchar(255) NOT NULL, attributes JSON,
    custom_attributes JSON NOT NULL DEFAULT ('{}'), kind varchar(100) NOT NULL DEFAULT '',
    multiple_bookings int NOT NULL DEFAULT -1, authsource ENUM('mailcow', 'keycloak', 'ldap') DEFAULT 'mailcow',
    created datetime NOT NULL DEFAULT NOW(), modified datetime, active tinyint(1) NOT NULL DEFAULT 1);
CREATE TABLE alias (id int PRIMARY KEY AUTO_INCREMENT, address varchar(255) NOT NULL, goto text NOT NULL,
    domain varchar(255) NOT NULL, private_comment text, sogo_visible tinyint(1) NOT NULL DEFAULT 1,
    internal tinyint(1) NOT NULL DEFAULT 0, active tinyint(1) NOT NULL DEFAULT 1);
CREATE TABLE domain (domain varchar(255) NOT NULL, description varchar(255), defquota bigint NOT NULL DEFAULT 3072,
    backupmx tinyint(1) NOT NULL DEFAULT 0, active tinyint(1) NOT NULL DEFAULT 1);
CREATE TABLE alias_domain (alias_domain varchar(255) NOT NULL, target_domain varchar(255) NOT NULL,
    active tinyint(1) NOT NULL DEFAULT 1);
INSERT INTO domain (domain, description) VALUES ('alt.example', 'Tab\\there, "quotes" and\\na line');
INSERT INTO alias_domain VALUES ('alt.invalid', 'alt.example', 1);
INSERT INTO mailbox (username, password, name, quota, local_part, domain, attributes) VALUES
    ('tito@alt.example', '{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuuOs6ZLJWMg4wfXOwzBzqBYL3n0fEzpOy', 'Tito', 3221225472,
    'tito', 'alt.example', '{"mailbox_format": "maildir:", "force_pw_update": "0"}');
INSERT INTO alias (address, goto, domain) VALUES ('tito@alt.example', 'tito@alt.example', 'alt.example'),
    ('info@alt.example', 'tito@alt.example', 'alt.example');
CREATE USER 'cow'@'localhost' IDENTIFIED BY 'c"o w';
GRANT ALL ON mailcow.* TO 'cow'@'localhost';
"""
_DOCKER = """#!/bin/sh
# docker compose exec -T SERVICE COMMAND…
[ "$1 $2 $3" = 'compose exec -T' ] || exit 1
export MYSQL_USER=cow MYSQL_PASSWORD='c"o w' MYSQL_DATABASE=mailcow REDISPASS='r d'
shift 4
exec "$@"
"""
_DOVECOT = """mail_plugins = $mail_plugins quota acl zlib mail_crypt mail_crypt_acl notify listescape
plugin {
  mail_crypt_global_private_key = </mail_crypt/ecprivkey.pem
  mail_crypt_global_public_key = </mail_crypt/ecpubkey.pem
  mail_crypt_save_version = 2
  zlib_save = lz4
}
"""
_SET_UP = """set -e
mkdir -p /mail_crypt /opt/mailcow-dockerized
openssl ecparam -name prime256v1 -genkey | openssl pkey -out /mail_crypt/ecprivkey.pem
openssl pkey -in /mail_crypt/ecprivkey.pem -pubout -out /mail_crypt/ecpubkey.pem
chmod 0644 /mail_crypt/*
systemctl restart dovecot
redis-cli CONFIG SET requirepass 'r d'
"""


def make(host: MailHost) -> MailHost:
    """``host``, a bare one of Dovecot 2.3, with what mailcow has."""
    guided.postfixadmin(host)
    host.run("DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server", timeout=600)
    host.run("mariadb", input=_TABLES)
    host.run(
        "redis-cli HSET DKIM_SELECTORS alt.example dkim && redis-cli -x HSET DKIM_PRIV_KEYS dkim.alt.example", input=KEY
    )
    host.write("/usr/local/bin/docker", _DOCKER, "0755")
    host.write("/etc/dovecot/conf.d/99-mailcow.conf", _DOVECOT)
    host.run(_SET_UP)
    return host
