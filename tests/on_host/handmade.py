"""A host that somebody set up by hand, before Posthaus came: Postfix for alt.example, Dovecot, a web site."""

from __future__ import annotations

from lab.mailhost import MailHost

PAGE = "the page of www.example.net\n"
INSTALL = """export DEBIAN_FRONTEND=noninteractive
command -v debconf-set-selections >/dev/null || exit 1
printf 'postfix postfix/main_mailer_type select Internet Site\\npostfix postfix/mailname string alt.example\\n' |
    debconf-set-selections
apt-get update -qq
apt-get install -y -qq --no-install-recommends \\
    postfix dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-managesieved apache2 curl"""
SET_UP = f"""set -e
useradd -m -s /bin/bash tito
useradd -m -s /bin/bash vmail
postconf -e 'mydestination = alt.example, localhost' 'virtual_alias_maps = hash:/etc/postfix/virtual' \\
    'home_mailbox = Maildir/'
printf 'info@alt.example tito@alt.example\\nsales@alt.example tito@alt.example\\n' >/etc/postfix/virtual
postmap /etc/postfix/virtual
case $(dovecot --version) in
    2.3*) echo 'mail_location = maildir:~/Maildir' ;;
    *) printf 'mail_driver = maildir\\nmail_path = ~/Maildir\\nmail_inbox_path = ~/Maildir\\n' ;;
esac >/etc/dovecot/conf.d/99-alt.conf
mkdir -p /srv/www
printf '{PAGE.rstrip()}\\n' >/srv/www/index.html
cat >/etc/apache2/sites-available/www.conf <<'SITE'
<VirtualHost *:80>
    ServerName www.example.net
    ServerAlias example.net
    DocumentRoot /srv/www
    RewriteEngine On
    RewriteRule ^/old$ /index.html [L]
    <Directory /srv/www>
        Require all granted
    </Directory>
</VirtualHost>
SITE
a2enmod -q rewrite
a2ensite -q www
systemctl restart postfix dovecot apache2
printf 'Subject: from before\\n\\nkept\\n' | sendmail -f somebody@example.org info@alt.example
for i in $(seq 50); do ls /home/tito/Maildir/new/* >/dev/null 2>&1 && break; sleep 0.2; done
ls /home/tito/Maildir/new/* >/dev/null
"""


def make(host: MailHost) -> MailHost:
    """``host``, bare, as somebody's own mail and web server: tito's Maildir holds one message."""
    host.run(INSTALL, timeout=600)
    host.run(SET_UP)
    return host
