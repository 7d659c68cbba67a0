# The way back, on the host: nobody has come in since the new rules were loaded. Arguments as for firewall-arm.sh.
set -u
umask 077
unit=$1 state=$2 memory=$3 table=$4
[ -d "$memory/back" ] || exit 0
target=$(cat -- "$state/target")
if [ -d "$memory/back/previous" ]; then
    restore "$memory/back/previous"
    rm -rf -- "$state/previous"
fi
if [ -s "$memory/back/rules" ]; then
    { printf 'table %s\ndelete table %s\n' "$table" "$table" && cat -- "$memory/back/rules"; } | nft -f -
    # shellcheck disable=SC2086  # family and name are two words
    nft -s list chain $table input | sha256sum >"$memory/loaded"
else
    systemctl disable --now -- "$unit"
fi
rm -rf -- "$memory/back"
echo "the new rules let no fresh connection in: those of before are back" >&2
