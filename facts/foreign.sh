# What is configured here that Posthaus did not write. Changes nothing. $@: components; in the environment: USER_NAME,
# USER_ID and GROUP_ID of the user that owns mail, PHP (such as 8.2), FILES (further files that a run writes, one a line:
# the name of the tree's state, the path in it, the whole path). Each line printed says by its first word what it tells;
# facts/foreign.py reads them.
export LC_ALL=C
trees=/var/lib/posthaus/trees
ours() { grep -qxF -- "$2" "$trees/$1/manifest" 2>/dev/null; }
taken() { [ -s "$trees/$1/manifest" ]; }
say() { sed "s|^|$1 |"; }

# The files named on standard input that are neither as a package brought them (dpkg's conffiles, ucf's) nor leftovers.
changed() {
    files=$(grep -Ev '\.(dpkg|ucf)-[a-z]+$|~$|/README[^/]*$|/(00|zz)-posthaus\.(conf|load)$' |
        grep -Ev '^/etc/[^/]*/local\.conf$|^/etc/dovecot/(private/|probe-users$)|^/etc/unbound/unbound_(control|server)\.(key|pem)$')
    [ -n "$files" ] || return 0
    { dpkg-query -W -f '${Conffiles}\n' 2>/dev/null | sed -n 's/^ *\(\/[^ ]*\) \([0-9a-f]\{32\}\).*/\2  \1/p'
      cat /var/lib/ucf/hashfile 2>/dev/null
      echo --
      printf '%s\n' "$files" | while IFS= read -r file; do [ ! -f "$file" ] || md5sum -- "$file"; done
    } | awk '/^--$/ { files = 1; next } !files { known[$0] = 1; next } !($0 in known) { print substr($0, 35) }' | sort -u
}

postfix() {
    [ -e /etc/postfix/main.cf ] || return 0
    timeout 3 hostname -f | say X
    say M </etc/postfix/main.cf
    grep -v '^[[:space:]]*\(#\|$\)' /etc/postfix/master.cf | say R
    grep -v '^[[:space:]]*\(#\|$\)' /usr/share/postfix/master.cf.dist | say Q
    grep -v '^[[:space:]]*\(#\|$\)' /etc/aliases | say A
    for name in mydestination virtual_alias_domains virtual_mailbox_domains relay_domains virtual_alias_maps \
        virtual_mailbox_maps alias_maps relayhost sender_dependent_relayhost_maps transport_maps; do
        value=$(postconf -hx "$name" 2>/dev/null) || continue
        printf 'P %s %s\n' "$name" "$(printf %s "$value" | tr '\n' ' ')"
        for table in $(printf %s "$value" | tr ',' ' '); do
            case $table in hash:/* | texthash:/* | btree:/* | lmdb:/* | cdb:/* | dbm:/* | regexp:/* | pcre:/*) ;; *) continue ;; esac
            sed -n "/^[^#[:space:]]/ { s/^\([^:[:space:]]*\).*/T $name \1/p }" "${table#*:}" | head -n 5000
        done
    done
}

dovecot() {
    [ -d /etc/dovecot ] || return 0
    find /etc/dovecot -type f | changed | say 'F dovecot'
    doveconf -n | grep -E '^ *(mail_location|mail_path|mail_driver|protocols|args|passwd_file_path|driver)\b|^passdb|^userdb' |
        sed 's/^ */D /'
}

# Whether Apache serves anything besides the distribution's own page.
apache() {
    [ -e /etc/apache2/apache2.conf ] || return 0
    if ours etc-apache2 sites-enabled/zz-posthaus.conf; then echo 'B apache'; fi
    { ls -d /etc/apache2/apache2.conf /etc/apache2/ports.conf /etc/apache2/envvars
      for link in /etc/apache2/sites-enabled/* /etc/apache2/conf-enabled/*; do readlink -f -- "$link"; done
    } | changed | say 'F apache'
    find /etc/apache2/sites-enabled /etc/apache2/conf-enabled -mindepth 1 -maxdepth 1 ! -name '.*' -printf '%f\n' | sort |
        grep -Evx '000-default(\.conf)?|zz-posthaus\.conf' |
        grep -Evx '(charset|javascript-common|localized-error-pages|other-vhosts-access-log|security|serve-cgi-bin)\.conf' | say 'K'
    if [ -n "$(ls /etc/apache2/sites-enabled)" ]; then
        find /var/www/html -mindepth 1 -maxdepth 1 ! -name 'index.nginx-debian.html' |
            while IFS= read -r file; do cmp -s -- "$file" /usr/share/apache2/default-site/index.html || echo "H $file"; done | head -n 3
    fi
}

# What it serves, and what beside it would have to keep to.
sites() {
    said=$(apache2ctl -t 2>&1) || printf '%s\n' "$said" | say E
    apache2ctl -S | say S
    apache2ctl -S | sed -n 's/.*(\(.*\):\([0-9]*\))$/\1 \2/p' | sort -u | while read -r file line; do
        tail -n "+$line" -- "$file" | awk -v at="$file:$line" 'tolower($1) == "servername" { exit } tolower($1) == "</virtualhost>" { print "N " at; exit }'
    done
    apache2ctl -t -D DUMP_INCLUDES | sed -n 's/^ *([0-9*]*) \(\/.*\)/\1/p' | while IFS= read -r file; do
        echo "I $file"
        case $file in */zz-posthaus.* | */00-posthaus.*) ;; *) awk 'tolower($1) == "listen" { print "L " $2 }' "$file" ;; esac
    done
}

people() {
    getent passwd | awk -F: '$3 >= 1000 && $3 < 60000 { print $1, $6 }' | while read -r name home; do
        if [ -d "$home/Maildir" ]; then echo "G $name $home/Maildir"
        elif [ -s "/var/mail/$name" ]; then echo "G $name /var/mail/$name"; fi
    done
}

owner() {
    getent passwd "$USER_NAME" | say 'U name'
    getent passwd "$USER_ID" | say 'U id'
    getent group "$USER_NAME" | say 'U group'
    getent group "$GROUP_ID" | say 'U gid'
    getent group mailusers | say 'U mailusers'
}

foreign() {
    cat "$trees"/*/target | say Z
    ls /var/lib/posthaus/units | say V
    owner
    for component in "$@"; do
        case $component in
            postfix) if taken etc-postfix; then echo 'O postfix'; else postfix; fi ;;
            dovecot) if taken etc-dovecot; then echo 'O dovecot'; else dovecot; fi ;;
            rspamd | unbound)
                if taken "etc-$component"; then echo "O $component"; continue; fi
                find "/etc/$component" -type f | changed | say "F $component"
                ;;
            apache) if ours etc-apache2 apache2.conf; then echo 'O apache'; else apache; fi ;;
            php)
                if ours "etc-php-$PHP-fpm" php-fpm.conf; then echo 'O php'; continue; fi
                for pool in squirrelmail roundcube; do
                    if ours "etc-php-$PHP-fpm" "pool.d/$pool.conf"; then echo 'B php'; fi
                done
                [ ! -d "/etc/php/$PHP/fpm" ] || echo 'W php'
                find "/etc/php/$PHP/fpm/php-fpm.conf" "/etc/php/$PHP/fpm/pool.d" -type f ! -name squirrelmail.conf ! -name roundcube.conf | changed | say 'F php'
                ;;
            files)
                printf '%s\n' "$FILES" | while read -r tree path file; do
                    ours "$tree" "$path" || printf '%s\n' "$file"
                done | changed | say 'F files'
                ;;
        esac
    done
}

lines=$(foreign "$@" 2>/dev/null)
printf '%s\n' "$lines"
if printf '%s\n' "$lines" | grep -Eq '^([BF] apache|[KH] )'; then sites 2>/dev/null; fi
if printf '%s\n' "$lines" | grep -Eq '^(M|F (dovecot|postfix)) '; then people 2>/dev/null; fi
true
