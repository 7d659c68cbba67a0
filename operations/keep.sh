# keep.before on the host. $1: the directory to make; the rest: paths to keep, whole, with owners and modes.
set -eu
umask 077
place=$1
shift
lock "what was here before"
mkdir -p -- "$(dirname "$place")"
chmod 0700 -- "$(dirname "$place")"
new=$(mktemp -d -- "$place.XXXXXX")
trap 'rm -rf -- "$new"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
for path in "$@"; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    (cd / && cp -a --parents -- "${path#/}" "$new")
done
{
    dpkg-query -W -f '${Package} ${Version}\n' 2>/dev/null | grep -E '^(postfix|dovecot|apache2|php|rspamd|unbound|postsrsd)'
} >"$new/packages" || :
for unit in postfix dovecot apache2 rspamd unbound; do
    printf '%s %s %s\n' "$unit" "$(systemctl is-enabled "$unit" 2>/dev/null || :)" "$(systemctl is-active "$unit" 2>/dev/null || :)"
done >"$new/units"
command -v postconf >/dev/null && postconf -n >"$new/postconf-n" 2>/dev/null || :
command -v doveconf >/dev/null && doveconf -n >"$new/doveconf-n" 2>/dev/null || :
sync -f -- "$new"
mv -T -- "$new" "$place"
trap - EXIT
