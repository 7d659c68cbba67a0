# follow.followed on the host. $1 the copy of what was seen; $PROGRAM: shell words, which get it as one more.
set -eu
umask 077
lock "$1"
mkdir -p -- "$(dirname "$1")"
within 300 sh -c "exec $PROGRAM \"\$1\"" sh "$1"
