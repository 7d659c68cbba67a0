# firewall.converge on the host, before new rules are loaded: the way back is laid, and a timer takes it unless a fresh
# connection says in time that it still comes in. $1 unit, $2 state of its tree, $3 its memory, $4 table, $5 seconds.
# $BACK: the way back, a program for sh.
set -eu
umask 077
unit=$1 state=$2 memory=$3 table=$4 seconds=$5
lock "the firewall"
systemctl stop posthaus-firewall-back.timer 2>/dev/null || :
rm -rf -- "$memory/back"
mkdir -p -- "$memory/back"
if [ -d "$state/previous" ]; then cp -a -- "$state/previous" "$memory/back/previous"; fi
# shellcheck disable=SC2086  # family and name are two words
nft -s list table $table >"$memory/back/rules" 2>/dev/null || :
printf '%s\n' "$BACK" >"$memory/back/way.sh"
systemd-run --quiet --collect --unit=posthaus-firewall-back --on-active="$seconds" --timer-property=AccuracySec=1s \
    /bin/sh "$memory/back/way.sh" "$unit" "$state" "$memory" "$table" 9>&-
