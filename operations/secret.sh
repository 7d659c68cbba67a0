# secret.made on the host. $1 the file, $2 its group, $3 its mode. The secret is in no argument and in no environment.
set -eu
umask 077
path=$1 group=$2 mode=$3
lock "a key"
if [ ! -s "$path" ]; then
    new=$(mktemp -- "$path.XXXXXX")
    openssl rand -base64 24 >"$new"
    mv -f -- "$new" "$path"
fi
chown "root:$group" -- "$path"
chmod "$mode" -- "$path"
