# dkim.keys on the host. $1 directory, $2 group, the rest: names. stdin: "NAME PEM" for given keys, \n for line breaks.
set -eu
umask 077
directory=$1 group=$2
shift 2
lock "keys of DKIM"
install -d -m 0750 -o root -g "$group" -- "$directory"
given=$(mktemp -d)
trap 'rm -rf -- "$given"' EXIT
while IFS= read -r line; do
    printf '%b\n' "${line#* }" >"$given/${line%% *}"
done
for name in "$@"; do
    new="$directory/.$name.new"
    if [ ! -s "$directory/$name.key" ]; then
        if [ -s "$given/$name" ]; then
            cat -- "$given/$name" >"$new"
        else
            case $name in
            # rspamd takes the bare seed, in base64
            *-ed25519) openssl rand -base64 32 >"$new" ;;
            *) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$new" 2>/dev/null ||
                openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$new" 2>/dev/null ;;
            esac
        fi
        # by a link, which fails where a key has appeared meanwhile: no key is ever replaced
        ln -- "$new" "$directory/$name.key" 2>/dev/null || [ -s "$directory/$name.key" ]
        rm -f -- "$new"
    fi
done
chown "root:$group" -- "$directory"/*.key
chmod 0640 -- "$directory"/*.key
