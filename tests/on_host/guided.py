"""Hosts as the usual guides make them: people in a database, their mail below /var/vmail."""

from __future__ import annotations

from lab.mailhost import MailHost

PASSWORDS = {
    "tito@alt.example": "correct horse 1",
    "iqbal@alt.example": "battery staple 2",
    "sri@other.example": "Tr0ub4dor&3 \\ '\"",
    "ana@alt.example": "no longer here 4",
}
ACTIVE = [address for address in PASSWORDS if not address.startswith("ana")]
# All that somebody set up there, and what is stored.
ALL_OF_IT = """cd / && find etc var/vmail -type f -not -name '*.index*' -print0 | sort -z | xargs -0 sha256sum
dpkg -l | sha256sum; getent passwd; mariadb-dump --skip-dump-date postfix | sha256sum"""
SECRET = "a'b\\\"c#d$e"  # of the database: what a client's file, a shell or SQL could trip over
_APT = """export DEBIAN_FRONTEND=noninteractive
command -v debconf-set-selections >/dev/null || exit 1
printf 'postfix postfix/main_mailer_type select Internet Site\\npostfix postfix/mailname string mail.alt.example\\n' |
    debconf-set-selections
apt-get update -qq
apt-get install -y -qq --no-install-recommends curl dovecot-imapd dovecot-lmtpd dovecot-managesieved postfix {}
"""
_POSTFIXADMIN = """SET NAMES utf8mb4;
CREATE DATABASE postfix CHARACTER SET utf8mb4;
USE postfix;
CREATE TABLE domain (domain varchar(255) NOT NULL PRIMARY KEY, description varchar(255) NOT NULL DEFAULT '',
    aliases int NOT NULL DEFAULT 0, mailboxes int NOT NULL DEFAULT 0, maxquota bigint NOT NULL DEFAULT 0,
    quota bigint NOT NULL DEFAULT 0, transport varchar(255) NOT NULL DEFAULT 'virtual',
    backupmx tinyint(1) NOT NULL DEFAULT 0, created datetime NOT NULL DEFAULT '2020-01-01 00:00:00',
    modified datetime NOT NULL DEFAULT '2020-01-01 00:00:00', active tinyint(1) NOT NULL DEFAULT 1);
CREATE TABLE mailbox (username varchar(255) NOT NULL PRIMARY KEY, password varchar(255) NOT NULL,
    name varchar(255) NOT NULL DEFAULT '', maildir varchar(255) NOT NULL, quota bigint NOT NULL DEFAULT 0,
    local_part varchar(255) NOT NULL DEFAULT '', domain varchar(255) NOT NULL,
    created datetime NOT NULL DEFAULT '2020-01-01 00:00:00', modified datetime NOT NULL DEFAULT '2020-01-01 00:00:00',
    active tinyint(1) NOT NULL DEFAULT 1, token varchar(255) NOT NULL DEFAULT '');
CREATE TABLE alias (address varchar(255) NOT NULL PRIMARY KEY, goto text NOT NULL, domain varchar(255) NOT NULL,
    created datetime NOT NULL DEFAULT '2020-01-01 00:00:00', modified datetime NOT NULL DEFAULT '2020-01-01 00:00:00',
    active tinyint(1) NOT NULL DEFAULT 1);
CREATE TABLE alias_domain (alias_domain varchar(255) NOT NULL PRIMARY KEY, target_domain varchar(255) NOT NULL,
    active tinyint(1) NOT NULL DEFAULT 1);
INSERT INTO domain (domain, active) VALUES ('ALL', 1), ('alt.example', 1), ('other.example', 1), ('gone.example', 0);
INSERT INTO alias_domain VALUES ('alt.invalid', 'alt.example', 1);
INSERT INTO mailbox (username, password, name, maildir, quota, domain, active) VALUES
    ('tito@alt.example', '{tito}', 'Tito \\u00c1', 'alt.example/tito/', 1073741824, 'alt.example', 1),
    ('iqbal@alt.example', '{iqbal}', '', 'alt.example/iqbal/', 0, 'alt.example', 1),
    ('sri@other.example', '{sri}', 'Sri', 'other.example/sri/', 0, 'other.example', 1),
    ('ana@alt.example', '{ana}', 'Ana', 'alt.example/ana/', 0, 'alt.example', 0);
INSERT INTO alias (address, goto, domain, active) VALUES
    ('tito@alt.example', 'tito@alt.example', 'alt.example', 1),
    ('iqbal@alt.example', 'iqbal@alt.example,iqbal@elsewhere.example', 'alt.example', 1),
    ('info@alt.example', 'tito@alt.example,iqbal@alt.example', 'alt.example', 1),
    ('old@alt.example', 'tito@alt.example', 'alt.example', 0),
    ('@other.example', 'sri@other.example', 'other.example', 1),
    ('somebody@gone.example', 'tito@alt.example', 'gone.example', 1);
CREATE USER 'mail'@'localhost' IDENTIFIED BY {secret};
GRANT SELECT ON postfix.* TO 'mail'@'localhost';
CREATE USER 'reader'@'localhost' IDENTIFIED BY 'plain-secret';
GRANT SELECT ON postfix.* TO 'reader'@'localhost';
"""
_QUERIES = {
    "domains": "SELECT domain FROM domain WHERE domain = '%s' AND active = '1'",
    "mailboxes": "SELECT maildir FROM mailbox WHERE username = '%s' AND active = '1'",
    "aliases": "SELECT goto FROM alias WHERE address = '%s' AND active = '1'",
    "alias_domains": "SELECT goto FROM alias, alias_domain WHERE alias_domain.alias_domain = '%d' AND alias.address ="
    " CONCAT('%u', '@', alias_domain.target_domain) AND alias.active = '1' AND alias_domain.active = '1'",
}
_POSTFIX = """set -e
install -d -m 0750 -g postfix /etc/postfix/sql
postconf -e 'myhostname = mail.alt.example' 'mydestination = $myhostname, localhost' virtual_mailbox_base=/var/vmail \\
    virtual_transport=lmtp:unix:private/dovecot-lmtp \\
    'virtual_mailbox_domains = proxy:{kind}:/etc/postfix/sql/domains.cf' \\
    'virtual_mailbox_maps = proxy:{kind}:/etc/postfix/sql/mailboxes.cf' \\
    'virtual_alias_maps = proxy:{kind}:/etc/postfix/sql/aliases.cf, proxy:{kind}:/etc/postfix/sql/alias_domains.cf'
groupadd -g 5000 vmail
useradd -u 5000 -g vmail -d /var/vmail -m vmail
"""
_DOVECOT = """mail_location = maildir:/var/vmail/%d/%n
auth_mechanisms = plain login
passdb {{
  driver = sql
  args = /etc/dovecot/dovecot-sql.conf.ext
}}
userdb {{
  driver = sql
  args = /etc/dovecot/dovecot-sql.conf.ext
}}
service lmtp {{
  unix_listener /var/spool/postfix/private/dovecot-lmtp {{
    user = postfix
    group = postfix
    mode = 0600
  }}
}}
"""
_DOVECOT_SQL = """driver = mysql
connect = host=localhost dbname=postfix user=reader password=plain-secret
default_pass_scheme = MD5-CRYPT
password_query = SELECT username AS user, password FROM mailbox WHERE username = '%u' AND active = '1'
user_query = SELECT CONCAT('/var/vmail/', maildir) AS home, 5000 AS uid, 5000 AS gid, \\
  CONCAT('*:bytes=', quota) AS quota_rule FROM mailbox WHERE username = '%u' AND active = '1'
iterate_query = SELECT username AS user FROM mailbox WHERE active = '1'
"""


def install(host: MailHost, packages: str) -> None:
    """What every such host has, and ``packages``."""
    host.run(_APT.format(packages), timeout=600)


def fill(host: MailHost) -> None:
    """Two messages for each person who is there, by the way that mail takes, one with flags and one in a folder; and
    from now on the database notes what is asked."""
    host.run("mariadb", input="SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON;")
    for address in ACTIVE:
        for subject in ("first", "second"):
            host.run(
                f"sendmail -f somebody@elsewhere.example {address}", input=f"Subject: {subject}\n\nHello {address}\n"
            )
        arrived = f"doveadm search -u {address} mailbox INBOX all 2>/dev/null | wc -l"
        host.run(f"for i in $(seq 300); do [ $({arrived}) -lt 2 ] || exit 0; sleep 0.2; done; exit 1")
        host.run(
            f"doveadm flags add -u {address} '\\Flagged \\Seen project' mailbox INBOX subject first"
            f" && doveadm mailbox create -u {address} Archive.2024"
            f" && doveadm move -u {address} Archive.2024 mailbox INBOX subject second"
        )


def hashed(host: MailHost, scheme: str, password: str) -> str:
    """As ``doveadm pw`` makes it there, with the scheme in front."""
    return host.run(f"doveadm pw -s {scheme} 2>/dev/null", input=f"{password}\n{password}\n").stdout.strip()


def postfixadmin(host: MailHost) -> MailHost:
    """``host``, bare, of Dovecot 2.3: MariaDB with postfixadmin's tables, hashes of three kinds."""
    install(host, "dovecot-mysql mariadb-server postfix-mysql")
    kinds = {"tito": "BLF-CRYPT", "iqbal": "MD5-CRYPT", "sri": "SHA256-CRYPT", "ana": "BLF-CRYPT"}
    made = {
        name: hashed(host, kinds[name], PASSWORDS[address])
        for address in PASSWORDS
        for name in [address.partition("@")[0]]
    }
    made["iqbal"] = made["iqbal"].partition("}")[2]  # as postfixadmin writes them, without a scheme
    sql = _POSTFIXADMIN.replace("{secret}", _quoted(SECRET)).replace("\\u00c1", "\u00c1")
    for name, value in made.items():
        sql = sql.replace(f"{{{name}}}", value)
    host.run("mariadb", input=sql)
    host.run(_POSTFIX.format(kind="mysql"))
    for name, query in _QUERIES.items():
        told = f"user = mail\npassword = {SECRET}\nhosts = localhost\ndbname = postfix\nquery = {query}\n"
        host.write(f"/etc/postfix/sql/{name}.cf", told, "0640")
    host.write("/etc/dovecot/dovecot-sql.conf.ext", _DOVECOT_SQL, "0600")
    host.write("/etc/dovecot/conf.d/99-alt.conf", _DOVECOT.format())
    host.run(
        "sed -i 's/^!include auth-system/#&/' /etc/dovecot/conf.d/10-auth.conf && chgrp -R postfix /etc/postfix/sql"
    )
    host.run("systemctl restart postfix dovecot")
    return host


_GUIDE = """CREATE TABLE virtual_domains (id integer PRIMARY KEY, name varchar(50) NOT NULL);
CREATE TABLE virtual_users (id integer PRIMARY KEY, domain_id integer NOT NULL, email varchar(100) NOT NULL UNIQUE,
    password varchar(150) NOT NULL, quota bigint NOT NULL DEFAULT 0);
CREATE TABLE virtual_aliases (id integer PRIMARY KEY, domain_id integer NOT NULL, source varchar(100) NOT NULL,
    destination varchar(100) NOT NULL);
INSERT INTO virtual_domains VALUES (1, 'alt.example'), (2, 'other.example');
INSERT INTO virtual_users VALUES (1, 1, 'tito@alt.example', '{tito}', 5368709120),
    (2, 1, 'iqbal@alt.example', '{iqbal}', 0), (3, 2, 'sri@other.example', '{sri}', 0);
INSERT INTO virtual_aliases VALUES (1, 1, 'info@alt.example', 'tito@alt.example'),
    (2, 1, 'info@alt.example', 'iqbal@elsewhere.example'), (3, 2, '@other.example', 'sri@other.example'),
    (4, 1, 'Sri@alt.example', 'sri@other.example');
"""
_GUIDES_QUERIES = {
    "domains": "SELECT 1 FROM virtual_domains WHERE name = '%s'",
    "mailboxes": "SELECT 1 FROM virtual_users WHERE email = '%s'",
    "aliases": "SELECT destination FROM virtual_aliases WHERE source = '%s'",
}
_DOVECOT_24 = """mail_driver = maildir
mail_home = /var/vmail/%{user | domain}/%{user | username}
mail_path = ~/Maildir
mail_uid = vmail
mail_gid = vmail
"""
_SQL_24 = """passdb sql {
  default_password_scheme = SHA512-CRYPT
  query = SELECT email AS user, password FROM virtual_users WHERE email = '%{user}'
}
userdb sql {
  query = SELECT email AS user FROM virtual_users WHERE email = '%{user}'
  iterate_query = SELECT email AS user FROM virtual_users
}
"""


def guide(host: MailHost, kind: str) -> MailHost:
    """``host``, bare, of Dovecot 2.4: the usual guides' tables in PostgreSQL (``pgsql``) or SQLite (``sqlite``)."""
    more = {"pgsql": "dovecot-pgsql postfix-pgsql postgresql", "sqlite": "dovecot-sqlite postfix-sqlite sqlite3"}
    install(host, more[kind])
    sql = _GUIDE
    for name, scheme in {"tito": "SHA512-CRYPT", "iqbal": "BLF-CRYPT", "sri": "SSHA512"}.items():
        made = hashed(host, scheme, next(word for one, word in PASSWORDS.items() if one.startswith(name)))
        sql = sql.replace(f"{{{name}}}", made.partition("}")[2] if name == "tito" else made)
    host.run(_POSTFIX.format(kind=kind))
    host.run(f"postconf -e 'virtual_alias_maps = proxy:{kind}:/etc/postfix/sql/aliases.cf'")
    if kind == "sqlite":
        host.run("sqlite3 /etc/postfix/mail.sqlite && chgrp dovecot /etc/postfix/mail.sqlite", input=sql)
        way, database = "dbpath = /etc/postfix/mail.sqlite\n", "sqlite_path = /etc/postfix/mail.sqlite\n"
    else:
        role = f"CREATE ROLE mail LOGIN PASSWORD {_quoted(SECRET, 'pgsql')};\n"
        host.run(
            "su postgres -c 'createdb mail' && su postgres -c 'psql -q -v ON_ERROR_STOP=1 mail'",
            input=role + sql + "GRANT SELECT ON ALL TABLES IN SCHEMA public TO mail;\n",
        )
        way = f"user = mail\npassword = {SECRET}\nhosts = 127.0.0.1\ndbname = mail\n"
        quoted = SECRET.replace("\\", "\\\\").replace('"', '\\"')
        parameters = f'user = mail\n    dbname = mail\n    password = "{quoted}"\n'
        database = f"pgsql 127.0.0.1 {{\n  parameters {{\n    {parameters}  }}\n}}\n"
    for name, query in _GUIDES_QUERIES.items():
        host.write(f"/etc/postfix/sql/{name}.cf", f"{way}query = {query}\n", "0640")
    host.write("/etc/dovecot/conf.d/99-alt.conf", f"sql_driver = {kind}\n{database}{_DOVECOT_24}{_SQL_24}")
    host.run(
        "sed -i 's/^!include auth-system/#&/' /etc/dovecot/conf.d/10-auth.conf && chgrp -R postfix /etc/postfix/sql"
    )
    host.run("systemctl restart postfix dovecot")
    return host


def _quoted(text: str, kind: str = "mysql") -> str:
    doubled = text.replace("\\", "\\\\") if kind == "mysql" else text
    return "'" + doubled.replace("'", "''") + "'"
