# dkim.keys on the host. $KNOWN: where the names of keys are remembered.
# $1 directory, $2 group. stdin: a name a line, and behind a given one's its PEM, \n for line breaks.
set -eu
umask 077
directory=$1 group=$2
lock "keys of DKIM"
install -d -m 0750 -o root -g "$group" -- "$directory"
given=$(mktemp -d)
trap 'rm -rf -- "$given"' EXIT
while read -r name pem; do
    printf '%s\n' "$name" >>"$given/names"
    [ -z "$pem" ] || printf '%b\n' "$pem" >"$given/of-$name"
done
while read -r name; do
    new="$directory/.$name.new"
    if [ ! -s "$directory/$name.key" ]; then
        if [ -s "$given/of-$name" ]; then
            cat -- "$given/of-$name" >"$new"
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
done <"$given/names"
find "$directory" -maxdepth 1 -name '*.key' -exec chown "root:$group" -- {} + -exec chmod 0640 -- {} +
# What lies here is published, or will be: whoever takes it away shall be asked, not given another (facts.dkim.KNOWN).
mkdir -p -- "$KNOWN"
find "$directory" -maxdepth 1 -name '*.key' -printf '%f\n' | sed 's/\.key$//' | while read -r name; do
    # which key it was, for whoever asks whether it still is (deploys/drift.py); another one is not noted in its place
    [ -s "$KNOWN/$name" ] || sha256sum <"$directory/$name.key" | cut -c1-64 >"$KNOWN/$name"
done
