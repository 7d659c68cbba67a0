# Shared by what decides whom the host trusts for our sake. $TRUSTED: the path of the first certificate.

BUNDLE=/etc/ssl/certs/ca-certificates.crt # what update-ca-certificates(8) writes last

# known FILE: is every line of it among those whom the host trusts?
known() {
    [ -s "$BUNDLE" ] || return 1
    grep -qvxFf "$BUNDLE" -- "$1"
    [ "$?" = 1 ]
}

# trust: those on stdin (PEM) and no others, one a file as OpenSSL's directory of hashes asks for. Debian's own program starts some six
# hundred others: it is left out where each certificate lies there already, the host knows it, and none that went is half gone.
trust() {
    roots=$(mktemp -d)
    awk -v to="$roots/" '/-----BEGIN CERTIFICATE-----/ { n++ } n { print > (to n) }'
    (umask 022; mkdir -p -- "$(dirname "$TRUSTED")")
    fresh= changed= number=1 path=$TRUSTED
    while [ -e "$roots/$number" ] || [ -e "$path" ]; do
        if [ -e "$roots/$number" ]; then
            cmp -s -- "$roots/$number" "$path" && known "$path" || changed=yes
            chmod 0644 -- "$roots/$number"
            mv -f -- "$roots/$number" "$path"
        else
            rm -f -- "$path"
            fresh=--fresh
        fi
        number=$((number + 1))
        path=${TRUSTED%.crt}-$number.crt
    done
    rm -rf -- "$roots"
    # A link that leads nowhere: a run was ended between the file and what was made of it.
    [ -z "$(find /etc/ssl/certs -xtype l -lname "${TRUSTED%.crt}*" -print -quit)" ] || fresh=--fresh
    [ -z "$changed$fresh" ] || update-ca-certificates $fresh
}
