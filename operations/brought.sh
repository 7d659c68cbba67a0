# brought.in_place on the host. $1: where it is noted what is done; $2: where copies of stores lie meanwhile; $3: the state
# of Postfix's tree. Lines of stdin, parted by tabs, - for nothing: login, place, owner of the copy, its home, who may read
# the original besides (root, or the owner alone), driver, path, and where the inbox, control files, indexes and the
# active Sieve script, the second storage of dbox lie, and how a Maildir's folders are laid out.
set -u
umask 077
LC_ALL=C
export LC_ALL
noted=$1 stage=$2 postfix=$3
lock "messages that lie elsewhere"
# It may take hours: this run says that it is alive. What runs beside it holds no lock.
(while sleep 60; do lease; done) 9>&- >/dev/null 2>&1 </dev/null &
beside=$!
was=$(systemctl is-active dovecot.service)
done_with() {
    kill "$beside" 2>/dev/null
    rm -rf -- "$stage"
    [ "$was" != active ] || systemctl start dovecot.service
    [ ! -s "$postfix/manifest" ] || systemctl start postfix.service
}
trap done_with EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM

# Dovecot 2.4 asks nobody where a mailbox lies where it is told so.
case $(dovecot --version) in
2.3.*) no_lookup='' at_home='' packed=zlib unreadable='' ;;
*) no_lookup=--no-userdb-lookup at_home='mail_home=' packed=mail_compress unreadable=$(printf '\3757zXZ') ;;
esac
encrypted=$(printf 'CRYPTED\003')

# as USER HOME LOGIN COMMAND…: its messages are read and written with no other rights than theirs.
as() {
    user=$1 at=$2 known=$3
    shift 3
    (cd / && exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        LC_ALL=C USER="$known" HOME="$at" "$@") 9>&- </dev/null
}

# dove USER HOME LOGIN "OPTION…" COMMAND…: without a plugin but the one that reads compressed messages: no limit counts, and
# no index of words is made.
dove() {
    user_=$1 home_=$2 login_=$3 options=$4
    shift 4
    as "$user_" "$home_" "$login_" doveadm -o mail_plugins=$packed ${at_home:+-o "$at_home$home_"} $options "$@" 2>"$stage/said" ||
        { grep -v stats-writer "$stage/said" >&2; return 1; }
}

# counts FILE USER HOME LOGIN "OPTION…": each folder and its messages, below a line with names; there is always an inbox.
counts() {
    dove "$2" "$3" "$4" "-f tab $5" mailbox status $no_lookup messages '*' >"$1" || return 1
    [ "$(wc -l <"$1")" -ge 2 ] || { echo "its folders cannot be counted" >&2; return 1; }
}

# copied OWNER ORIGINAL TARGET: so that reading it changes nothing of the original. A message in a Maildir never changes,
# so a link is a copy; lists and indexes change in place. What is laid over it is laid over no links.
copied() {
    if [ "$driver$inbox$control" = maildir-- ] && as "$1" / - cp -al -- "$2/." "$3" 2>/dev/null; then
        as "$1" / - find "$3" -type f ! -path '*/cur/*' ! -path '*/new/*' \
            -exec sh -c 'for file; do cp -p -- "$file" "$file.posthaus" && mv -f -- "$file.posthaus" "$file" || exit 1; done' sh {} +
    else
        find "$3" -mindepth 1 -delete
        as "$reader" / - cp -a -- "$2/." "$3" && if [ "$reader" = root ]; then chown -Rh "$1:" "$3"; fi
    fi
}

# person: who reads what lies in a person's home: nobody but that person, for a link there may lead to what others have.
# Nothing where it is nobody's, or where somebody else's store lies there as it is.
person() {
    of=$(getent passwd | awk -F: -v path="$path" '$3 >= 1000 && $3 < 60000 && $6 != "/" && index(path "/", $6 "/") == 1 { print length($6), $1 }' |
        sort -rn | head -n 1 | cut -d ' ' -f 2)
    [ -n "$of" ] && [ "$of" != "$owner" ] || return 0
    if [ -e "$path" ] && [ "$(readlink -f -- "$path")" = "$path" ] && [ "$(stat -c %U -- "$path")" != "$of" ]; then return 0; fi
    echo "$of"
}

# readable COPY: nothing in it is of a kind that this Dovecot would take for a message's own text.
readable() {
    ! holds "$1" "$encrypted" ||
        { echo "its messages are encrypted (mail_crypt): docs/adopting.md says how the old server writes plain ones" >&2; return 1; }
    [ -z "$unreadable" ] || ! holds "$1" "$unreadable" ||
        { echo "its messages are compressed by xz, which this Dovecot does not read" >&2; return 1; }
}
begins() { find "$1" -type f \( -path '*/cur/*' -o -path '*/new/*' \) -print0 | xargs -0 -r head -qc 9; }
holds() {
    case $driver in
    maildir) begins "$1" | grep -qaF -e "$2" ;;
    *dbox) grep -rqaF --include='[mu].*' -e "$2" "$1" ;;
    *) return 1 ;;
    esac
}

# A Maildir whose folders lie in one another (LAYOUT=fs) becomes one whose folders lie side by side, by its owner's own rights.
# A dot in a folder's name, which only the former may have, becomes _, as dsync has it.
nested='cd -- "$1" || exit
find . -mindepth 1 -name ".*" -prune -exec rm -rf -- {} + # no folders there
rm -f -- dovecot.list.index* # made anew
if [ -d INBOX/cur ] && [ ! -d cur ]; then
    find INBOX -mindepth 1 -maxdepth 1 \( ! -type d -o -name cur -o -name new -o -name tmp \) -exec mv -f -t . -- {} + || exit
fi
find . -mindepth 2 -type d -name cur -printf "%d %P\n" | sort -rn | while read -r _ folder; do
    folder=${folder%/cur}
    name=.$(printf %s "$folder" | tr ./ _.)
    [ ! -e "$name" ] || { echo "two of its folders would be called $name" >&2; exit 1; }
    mv -T -- "$folder" "$name" || exit
done || exit
# one that names no version parts levels as the store does
[ ! -f subscriptions ] || grep -q "^V" subscriptions || sed -i "y|./|_.|" subscriptions'

over() { as "$reader" / - cp -aT -- "$1" "$2" && if [ "$reader" = root ]; then chown -Rh "$owner:" "$2"; fi; }

# bring: one mailbox; the last line that it says is why not.
bring() {
    if [ ! -d "$path" ] && [ ! -f "$inbox" ]; then echo "there is nothing at $path" >&2; return 1; fi
    other=
    [ "$reader" != root ] || other=$(person)
    [ -z "$other" ] || reader=$other
    install -d -o "${other:-$owner}" -g "$(id -g "${other:-$owner}")" -m 0700 "$copy" || return 1
    if [ -d "$path" ]; then copied "$owner" "$path" "$copy" || return 1; fi
    # A script in the Maildir itself (.dovecot.sieve) looks like a folder.
    [ "$driver" != maildir ] || find "$copy" -mindepth 1 -maxdepth 1 -name '.*' ! -type d -delete
    if [ "$inbox" != - ] && [ -e "$inbox" ]; then
        case $driver in
        maildir) rm -rf -- "$copy/.INBOX" && over "$inbox" "$copy" || return 1 ;;
        *)
            [ ! -e "$copy/inbox" ] || { echo "there is an inbox at $path, too" >&2; return 1; }
            over "$inbox" "$copy/inbox" || return 1
            ;;
        esac
    fi
    for more in "$control" "$index" "$second"; do
        [ "$more" = - ] || [ ! -d "$more" ] || over "$more" "$copy" || return 1
    done
    [ -z "$other" ] || chown -Rh "$owner:" "$copy" || return 1
    readable "$copy" || return 1
    [ "$layout" != fs ] || as "$owner" / - sh -c "$nested" sh "$copy" || return 1
    if [ "$home" != "$own_home" ]; then
        install -d -o "$owner" -g "$(id -g "$owner")" -m 0700 "$(dirname "$home")" "$home" || return 1
    fi
    # a link to a compressed message would stay one: gzip, Zstandard, bzip2, LZ4, xz
    as_it_is=yes
    if [ "$driver" = maildir ] && begins "$copy" | grep -qaP '\x1f\x8b\x08|\x28\xb5\x2f\xfd|BZh|Dovecot-L|\xfd7zXZ'; then as_it_is=no; fi
    dove "$owner" "$home" "$login" "-o maildir_copy_with_hardlinks=$as_it_is" sync $no_lookup -1 -R "$driver:$copy" || return 1
    rm -f -- "$home/Maildir/maildirsize" # the sum is made anew
    if [ -n "$at_home" ]; then options="-o mail_driver=$driver -o mail_path=$copy"; else options="-o mail_location=$driver:$copy"; fi
    counts "$stage/before" "$owner" "$copy" "$login" "$options" || return 1
    counts "$stage/after" "$owner" "$home" "$login" "" || return 1
    # a dot, which a folder of a Maildir cannot have in its name, dsync has made _
    lacking=$(awk -F '\t' 'NR == FNR { there[$1] = $2; next }
        FNR > 1 { name = $1; gsub(/[.]/, "_", name); if (there[name] + 0 < $2 + 0) print $1 ": " $2 " before, " there[name] + 0 " now" }' \
        "$stage/after" "$stage/before")
    [ -z "$lacking" ] || { echo "not all are there: $lacking" >&2; return 1; }
    scripts || return 1
    awk -F '\t' '{ sum += $2 } END { print sum + 0 }' "$stage/before" >"$stage/count"
}

# The active Sieve script, and the others that lie beside it where it is a link to one of several.
scripts() {
    [ "$sieve" != - ] && [ -e "$sieve" ] && [ ! -e "$home/.dovecot.sieve" ] || return 0
    [ "$(readlink -f -- "$sieve")" != "$(readlink -f -- "$home/.dovecot.sieve")" ] || return 0
    name=moved.sieve from=$(readlink -f -- "$sieve")
    install -d -o "$owner" -g "$(id -g "$owner")" -m 0700 "$home/sieve" "$stage/sieve" || return 1
    if [ -L "$sieve" ]; then
        name=$(basename "$from")
        for one in "$(dirname "$from")"/*.sieve; do script_of "$one" "$(basename "$one")" || return 1; done
    else
        script_of "$from" "$name" || return 1
    fi
    as "$owner" "$home" - ln -s "sieve/$name" "$home/.dovecot.sieve"
}
script_of() {
    [ ! -e "$home/sieve/$2" ] || return 0
    as "$reader" / - cat -- "$1" >"$stage/script" && chown "$owner" "$stage/script" &&
        as "$owner" "$home" - cp -- "$stage/script" "$home/sieve/$2"
}

# Nothing arrives meanwhile, and nobody changes anything: other servers try again later. A Postfix of before would go on
# delivering where it did, so it stays down until it is ours, whatever becomes of this run.
systemctl stop postfix.service dovecot.socket dovecot.service 2>/dev/null
rm -rf -- "$stage"
install -d -m 0711 "$stage" || exit
number=0
while IFS='	' read -r login place owner home reader driver path inbox control index sieve second layout; do
    number=$((number + 1)) copy=$stage/$number
    own_home=$(getent passwd "$owner" | cut -d: -f6)
    [ "$home" != - ] || home=$own_home
    if why=$(bring 2>&1 >/dev/null); then
        echo "brought $login $(cat "$stage/count")"
        { grep -v "^$login	" "$noted" 2>/dev/null; printf '%s\t%s\n' "$login" "$place"; } >"$noted.new"
        mv -f -- "$noted.new" "$noted"
    else
        echo "unbrought $login $(printf '%s' "$why" | tail -n 1)"
    fi
    rm -rf -- "$copy"
done
