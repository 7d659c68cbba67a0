# What a host's mail server was told by hand. Changes nothing. Each line of output is a word, a name, and a text in base64,
# so that nobody reads in passing what is secret among it. deploys/adopting/look.py reads them.
export LC_ALL=C
say() { printf '%s %s %s\n' "$1" "$2" "$(base64 -w0)"; }
# L: it has more than that
file() {
    [ -f "$1" ] || return 0
    head -c 50000000 -- "$1" | say F "$1"
    [ "$(stat -L -c %s -- "$1")" -le 50000000 ] || echo | say L "$1"
}

{ timeout 3 hostname -f || hostname; } 2>/dev/null | say N fqdn
cat /etc/mailname 2>/dev/null | say N mailname
getent passwd | say N passwd
# whether somebody may log in with a password, not which
getent shadow | awk -F: '{ print $1, ($2 ~ /^[$]|^[.\/A-Za-z0-9]+$/ && length($2) > 12) ? "yes" : "no" }' | say N passwords

if command -v postconf >/dev/null; then
    for name in myhostname mydomain myorigin mydestination virtual_alias_domains virtual_alias_maps virtual_mailbox_domains \
        virtual_mailbox_maps virtual_mailbox_base virtual_transport mailbox_transport mailbox_command home_mailbox \
        mail_spool_directory alias_maps relayhost smtp_sasl_auth_enable smtp_sasl_password_maps smtp_tls_wrappermode transport_maps \
        sender_dependent_relayhost_maps sender_bcc_maps recipient_bcc_maps canonical_maps recipient_canonical_maps \
        sender_canonical_maps message_size_limit relay_domains luser_relay mynetworks recipient_delimiter always_bcc content_filter relocated_maps smtp_generic_maps; do
        value=$(postconf -hx "$name" 2>/dev/null) || continue
        printf %s "$value" | say P "$name"
        case $name in *_maps | *_domains | mydestination) ;; *) continue ;; esac
        printf '%s\n' "$value" | tr ', ' '\n\n' | while IFS= read -r table; do
            table=${table#proxy:}
            case $table in
            hash:/* | texthash:/* | btree:/* | lmdb:/* | cdb:/* | dbm:/*) file "${table#*:}" ;;
            /*) file "$table" ;;
            esac
        done
    done
    postconf -n 2>/dev/null | say N postconf
    # beside virtual mailboxes, Unix users become such, and keep their passwords
    [ -z "$(postconf -hx virtual_mailbox_domains 2>/dev/null)" ] ||
        getent shadow | awk -F: '$2 ~ /^[$]|^[.\/A-Za-z0-9]+$/ && length($2) > 12 { print $1 ":" $2 }' | say F /etc/shadow
fi

if command -v doveconf >/dev/null; then
    dovecot --version | say N dovecot
    said=$(doveconf -n 2>/dev/null) || doveconf -n 2>&1 >/dev/null | head -n 3 | say N doveconf-error
    printf '%s\n' "$said" | say N doveconf
    # 2.4 shows its general default, fs, whether somebody set it or not; of a Maildir that is not the default
    grep -rhs '^ *mailbox_list_layout *=' /etc/dovecot | tail -n 1 | sed 's/.*= *//' | say N layout
    # each passwd-file; one of several domains has a variable in its name
    printf '%s\n' "$said" | sed -n 's/^ *\(args\|passwd_file_path\) = *\(.*[ =]\|\)\(\/[^ ]*\)$/\3/p' | sort -u | while IFS= read -r path; do
        pattern=$(printf '%s\n' "$path" | sed 's/%{[^}]*}/*/g; s/%[A-Z]*[a-z]/*/g')
        for one in $pattern; do case $(dirname "$one") in /etc/pam.d) ;; *) file "$one" ;; esac; done
    done
fi

for path in /etc/opendkim.conf /etc/opendkim/*[tT]able /etc/opendkim/KeyTable /etc/opendkim/SigningTable \
    /etc/rspamd/local.d/dkim_signing.conf /etc/rspamd/override.d/dkim_signing.conf; do file "$path"; done
if [ -f /etc/opendkim.conf ]; then
    sed -n 's/^[[:space:]]*\(KeyTable\|SigningTable\)[[:space:]]*\(refile:\|file:\|\)\(\/.*\)$/\3/p' /etc/opendkim.conf |
        while IFS= read -r path; do file "$path"; done
fi
for path in /etc/rspamd/local.d/dkim_selectors.map /etc/rspamd/dkim_selectors.map /etc/rspamd/dkim_paths.map; do file "$path"; done

for path in /etc/apache2/sites-enabled/* /etc/apache2/conf-enabled/*squirrelmail* /etc/apache2/conf-enabled/*roundcube* \
    /etc/nginx/sites-enabled/* /etc/nginx/conf.d/*.conf; do file "$path"; done
for path in /etc/letsencrypt/live/*/cert.pem; do
    [ ! -f "$path" ] || openssl x509 -noout -ext subjectAltName -in "$path" 2>/dev/null | say C "$path"
done
cat /etc/letsencrypt/accounts/*/*/*/regr.json 2>/dev/null | say N acme
true
