# authority.trusted on the host. $1: where our certificate lies; stdin: the certificate, or nothing.
set -eu
umask 022
new=$(mktemp -- "$1.XXXXXX")
trap 'rm -f -- "$new"' EXIT
cat >"$new"
if [ -s "$new" ]; then
    chmod 0644 -- "$new"
    mv -f -- "$new" "$1"
    update-ca-certificates
else
    rm -f -- "$1"
    update-ca-certificates --fresh
fi
