# probe.made on the host. $1 where the secret is kept, $2 Dovecot's file, $3 and $4 its row around the hash.
set -eu
umask 077
state=$1 path=$2 before=$3 after=$4
lock "the probe's mailbox"
mkdir -p -- "$state"
if [ ! -s "$state/password" ] || [ ! -s "$state/hash" ]; then
    # By files and standard input alone: a process list shows arguments to everybody.
    openssl rand -hex 32 >"$state/password.new"
    openssl passwd -6 -stdin <"$state/password.new" >"$state/hash.new"
    mv -f -- "$state/password.new" "$state/password"
    mv -f -- "$state/hash.new" "$state/hash"
fi
new=$(mktemp -- "$path.XXXXXX")
printf '%s%s%s\n' "$before" "$(cat -- "$state/hash")" "$after" >"$new"
chown root:dovecot -- "$new"
chmod 0640 -- "$new"
mv -f -- "$new" "$path"
