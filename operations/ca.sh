# ca.issued on the host. $1: directory; $2: issue|keep; the rest: DNS names. $TRUSTED: where trust is declared;
# stdin: certificates to trust as well.
set -eu
umask 077
directory=$1 task=$2
shift 2
lock "the certificate"
(umask 022; mkdir -p -- "$directory/ca")
cd "$directory/ca"
new=$(mktemp -d -- "$directory/.new.XXXXXX")
trap 'rm -rf -- "$new"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM

# A key is made once and renamed into place whole; it is never replaced.
key() {
    [ -s "$1" ] && return
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$new/$1"
    mv -- "$new/$1" "$1"
}

same() { [ -s "$1" ] && [ "$(openssl x509 -in "$1" -pubkey -noout)" = "$(openssl pkey -in "$2" -pubout)" ]; }

publish() { # FILE MODE PATH
    chmod "$2" -- "$1"
    mv -f -- "$1" "$3"
}

# RFC 5280, 4.2.1; without keyCertSign Python 3.13 and later refuse a CA.
make_ca() {
    cat >"$new/ca.cnf" <<END
[req]
distinguished_name = name
prompt = no
x509_extensions = extensions
[name]
O = Posthaus
CN = Local CA of $(uname -n | cut -c1-40)
[extensions]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
END
    openssl req -x509 -new -sha256 -config "$new/ca.cnf" -key ca.key -days 3650 -out "$new/ca.pem"
    publish "$new/ca.pem" 0644 ca.pem
}

# The names stand in subjectAltName only: a common name holds no more than 64 messages, and nobody reads it.
leaf() {
    cat >"$new/leaf.cnf" <<END
[req]
distinguished_name = name
prompt = no
[name]
O = Posthaus
CN = Mail server
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = @names
[names]
END
    number=0
    for name in "$@"; do
        number=$((number + 1))
        echo "DNS.$number = $name" >>"$new/leaf.cnf"
    done
    openssl req -new -sha256 -config "$new/leaf.cnf" -key leaf.key -out "$new/leaf.csr"
    openssl x509 -req -sha256 -in "$new/leaf.csr" -CA ca.pem -CAkey ca.key -set_serial "0x00$(openssl rand -hex 16)" \
        -days 397 -extfile "$new/leaf.cnf" -extensions extensions -out "$new/leaf.pem"
    publish "$new/leaf.pem" 0644 leaf.pem
}

key ca.key
key leaf.key
chown root:root -- ca.key leaf.key
chmod 0600 -- ca.key leaf.key
if ! same ca.pem ca.key || ! openssl x509 -in ca.pem -noout -checkend 36892800 >/dev/null; then
    make_ca
    task=issue
fi
if [ "$task" = issue ]; then leaf "$@"; fi

cat leaf.pem ca.pem >"$new/fullchain.pem"
cat leaf.key >"$new/privkey.pem"
publish "$new/privkey.pem" 0600 "$directory/privkey.pem"
publish "$new/fullchain.pem" 0644 "$directory/fullchain.pem"

cat ca.pem - | trust
