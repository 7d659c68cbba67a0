# ca.trusted on the host. stdin: certificates, or nothing. $TRUSTED: where the first lies.
set -eu
umask 077
trust
