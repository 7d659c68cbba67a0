# acme.issued and acme.rolled_over on the host. $1 directory, $2 order|deliver|roll, $3 hook, $4 webroot or nothing,
# $5 the next key's file or nothing, $6 how many names, the names, how many others that the DNS leads here, those; the
# rest: options of certbot. stdin: whom to trust. $FAILURE, $LETSENCRYPT, $LINEAGE, $NEXT_SEEN, $TRUSTED: paths and a name.
set -eu
umask 022
lock "the certificate by ACME"
exec 9>&- # which the hook takes for itself
directory=$1 task=$2 hook=$3 webroot=$4 next=${5:+$1/$5} count=$6
shift 6
names=
while [ "$count" -gt 0 ]; do names="$names $1" count=$((count - 1)); shift; done
others= count=$1
shift
while [ "$count" -gt 0 ]; do others="$others $1" count=$((count - 1)); shift; done
(umask 077; mkdir -p -- "$(dirname "$FAILURE")")
LC_ALL=C.UTF-8
export LC_ALL

# Would what is served do for a week more? Not one that only holds the place, nor one without some of our names.
will_do() {
    (
        cd "$directory"
        openssl x509 -in fullchain.pem -noout -checkend 604800 || exit 1
        if cat ca/leaf.pem ca/ca.pem | cmp -s - fullchain.pem; then exit 1; fi
        for name in $names; do
            openssl x509 -in fullchain.pem -noout -checkhost "$name" | grep -q 'does match' || exit 1
        done
    ) >/dev/null 2>&1
}

# Everything on stdin is why no certificate came of it.
fail() {
    why=$(sed '/^[[:space:]]*$/d' | tail -n 20)
    printf '%s %s\n' "$(date -u '+%Y-%m-%d %H:%M UTC')" "$(printf '%s' "$why" | tr '\n' ' ' | cut -c1-600)" >"$FAILURE"
    printf 'no certificate was issued:\n%s\n' "$why" >&2
    if [ "$task" = roll ]; then exit 1; fi
    if will_do; then exit 0; fi
    echo "what is served meanwhile only holds the place, or has less than a week left, or lacks a name" >&2
    exit 1
}

# The DNS alone counts, not /etc/hosts: getent(1), -s. One name without an address would spoil the whole order.
resolved() {
    missing=
    for name in $names; do getent -s dns ahosts "$name" >/dev/null || missing="$missing $name"; done
    [ -z "$missing" ] || { echo "the DNS, as this host asks it, has no address for:$missing (publish A or AAAA; nothing was ordered)" | fail; exit; }
}

# What stdin says, and where the DNS leads our names if that is no address of this host: right behind address
# translation, and a stale record elsewhere (a CA prefers IPv6).
with_places() {
    cat
    if [ -z "$webroot" ]; then return; fi
    own=" $(hostname -I) "
    for name in $names $others; do
        for address in $(getent -s dns ahosts "$name" | cut -d' ' -f1 | sort -u); do
            case $own in *" $address "*) ;; *) echo "the DNS leads $name to $address, which is no address of this host" ;; esac
        done
    done
}

order() {
    if [ -n "$webroot" ]; then
        resolved
        mkdir -p -- "$webroot"
    fi
    for name in $names $others; do set -- "$@" -d "$name"; done
    tries=0
    until said=$(certbot certonly --non-interactive --agree-tos --no-eff-email --cert-name "$LINEAGE" \
        --key-type ecdsa --elliptic-curve secp256r1 --reuse-key --force-renewal --renew-with-new-domains "$@" 2>&1); do
        tries=$((tries + 1))
        case $said in *"nother instance of Certbot"*) ;; *) tries=9 ;; esac
        if [ "$tries" -ge 9 ]; then printf '%s\n' "$said" | grep -v -e '^Saving debug log' -e '^Ask for help' -e '^- - -' | with_places | fail; exit; fi
        sleep 5
    done
}

public() { openssl pkey -in "$1" -pubout 2>/dev/null; }

# certbot takes the key that its link names (--reuse-key). Until a certificate has come, every way out puts the link back;
# and were even that kept from happening: the hook installs no key next to a certificate that is another's.
roll() {
    cd "$LETSENCRYPT/live/$LINEAGE"
    old=$(readlink privkey.pem) archive=$LETSENCRYPT/archive/$LINEAGE
    number=$(ls -- "$archive" | sed -n 's/^[a-z]*\([0-9][0-9]*\)\.pem$/\1/p' | sort -n | tail -n 1)
    spare=privkey$((number + 1)).pem
    trap 'ln -sfn -- "$old" privkey.pem; rm -f -- "$archive/$spare"' EXIT
    trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
    (umask 077; cat -- "$next" >"$archive/$spare")
    ln -sfn -- "../../archive/$LINEAGE/$spare" privkey.pem
    order "$@"
    [ "$(openssl x509 -in cert.pem -noout -pubkey)" = "$(public "$next")" ] ||
        { echo "certbot renewed meanwhile, with the old key" | fail; exit; }
    trap - EXIT
    rm -f -- "$archive/$spare" "$NEXT_SEEN"
    cd /
}

# Made before the services reload: they look at when the directory changed.
make_next() {
    chmod 0600 -- "$next" 2>/dev/null || :
    key=$(public "$next") || :
    if [ -n "$key" ] && [ "$key" != "$(public "$LETSENCRYPT/live/$LINEAGE/privkey.pem")" ]; then return; fi
    (umask 077; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$next.new")
    mv -f -- "$next.new" "$next"
}

roots=$(cat)
sed -i '/^autorenew = False$/d' "$LETSENCRYPT/renewal/$LINEAGE.conf" 2>/dev/null || :
case $task in order | roll) "$task" "$@" ;; esac
if [ -n "$next" ]; then make_next; fi
RENEWED_LINEAGE=$LETSENCRYPT/live/$LINEAGE "$hook" </dev/null >&2
rm -f -- "$FAILURE"
if [ -n "$roots" ]; then printf '%s\n' "$roots"; fi | trust
