# acme.ended on the host.
set -eu
conf=$LETSENCRYPT/renewal/$LINEAGE.conf
sed -i -e '/^autorenew = /d' -e 's/^\[renewalparams\]$/&\nautorenew = False/' "$conf"
rm -f -- "$FAILURE"
