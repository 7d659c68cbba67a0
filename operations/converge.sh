# unit.converge on the host. $1 unit, $2 the unit whose state counts, $3 action, $4 enable|disable|keep, then the states of its trees.
# PROBE in the environment: a shell command that must succeed once the unit runs.
set -u
umask 077
unit=$1 watched=$2 action=$3 boot=$4
shift 4
LC_ALL=C
export LC_ALL
state=/var/lib/posthaus/trees/-
lock

restarts() { systemctl show -p NRestarts --value -- "$watched"; }

# Active, still active a moment later, not restarted in between, and the probe content: then it runs.
runs() {
    tries=0
    while :; do
        before=$(restarts)
        if systemctl is-active --quiet -- "$watched" && sh -c "$PROBE" </dev/null >/dev/null 2>&1; then
            sleep 0.3
            systemctl is-active --quiet -- "$watched" && [ "$(restarts)" = "$before" ] && return 0
        fi
        systemctl is-failed --quiet -- "$watched" && return 1
        tries=$((tries + 1))
        [ "$tries" -lt 40 ] || return 1
        sleep 0.25
    done
}

act() {
    systemctl reset-failed -- "$watched" 2>/dev/null
    systemctl "$1" -- "$unit" >&2 && runs
}

# A reload can end what an upgrade of the distribution left running. Then the new files get a start before they are blamed.
comes_up() {
    act "$action" || { ! systemctl is-active --quiet -- "$watched" && act start; }
}

systemctl daemon-reload
case $boot in enable | disable) systemctl --quiet "$boot" -- "$unit" ;; esac
case $action in
    none) exit 0 ;;
    stop) systemctl stop -- "$unit"; exit ;;
esac
since=$(date +%s)
if comes_up; then
    for state in "$@"; do rm -rf -- "$state/previous"; done
    exit 0
fi

echo "$unit did not come up after: systemctl $action $unit" >&2
journalctl -u "$watched" --since "@$since" -n 15 --no-pager -o cat >&2 2>/dev/null
[ "$PROBE" = true ] || sh -c "$PROBE" </dev/null >&2
back=
for state in "$@"; do
    [ -d "$state/previous" ] || continue
    target=$(cat -- "$state/target")
    restore "$state/previous" && rm -rf -- "$state/previous"
    back="$back $target"
done
if [ -z "$back" ]; then exit 1; fi
if act reload-or-restart || act restart; then
    echo "the previous files are back in$back, and $unit runs with them" >&2
else
    echo "the previous files are back in$back, but $unit does not run with them either" >&2
fi
exit 1
