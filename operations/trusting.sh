# Shared by what decides whom the host trusts for our sake. $TRUSTED: the path of the first certificate.

# trust: those on stdin (PEM) and no others, one a file as OpenSSL's directory of hashes asks for.
trust() {
    roots=$(mktemp -d)
    awk -v to="$roots/" '/-----BEGIN CERTIFICATE-----/ { n++ } n { print > (to n) }'
    (umask 022; mkdir -p -- "$(dirname "$TRUSTED")")
    fresh= number=1 path=$TRUSTED
    while [ -e "$roots/$number" ] || [ -e "$path" ]; do
        if [ -e "$roots/$number" ]; then
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
    update-ca-certificates $fresh
}
