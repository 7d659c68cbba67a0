# identity.known on the host. $1: its name; then pairs: a path and the text that it shall hold.
set -eu
umask 022
lock "the host's name"
# hostnamectl would need dbus, and cannot write a bind-mounted /etc/hostname. hostname(1) asks the kernel directly.
[ "$(uname -n)" = "$1" ] || hostname "$1" || printf '%s\n' "$1" >/proc/sys/kernel/hostname
shift
while [ $# -gt 0 ]; do
    new=$(mktemp -- "$1.XXXXXX")
    trap 'rm -f -- "$new"' EXIT
    printf '%s' "$2" >"$new"
    chmod 0644 -- "$new"
    place "$new" "$1"
    rm -f -- "$new"
    shift 2
done
