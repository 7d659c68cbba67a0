# unit.converge on the host. $1 unit, $2 the unit whose state counts, $3 action, $4 enable|disable|keep, $5 the directory
# of what is remembered of the unit, then the states of its trees.
# Programs for sh in the environment: $PROBE must succeed once the unit runs; what it says tells why not, and status 75
# that nobody answers yet. $CHECKER tells whether the unit's program takes what lies on disk. $WATCHED: what it reads, a
# path a line. $FORMER: the unit that the release before had in its place, if any.
set -u
umask 077
unit=$1 watched=$2 action=$3 boot=$4 memory=$5
shift 5
LC_ALL=C
export LC_ALL
lock "$unit"

# Seconds, whoever sets the clock meanwhile.
now() { read -r up _ </proc/uptime; echo "${up%.*}"; }
left() { seconds=$((deadline - $(now))); [ "$seconds" -ge 1 ] && echo "$seconds" || echo 1; }
ask() { within 10 systemctl "$@"; }
active() { ask is-active --quiet -- "$watched"; }
started_at() { ask show -p ActiveEnterTimestampMonotonic --value -- "$watched"; }
restarts() { ask show -p NRestarts --value -- "$watched"; }

# runs PROBE: active, still active a moment later, not restarted in between, and the probe content: then it runs.
# Until the deadline, which is for all of it; a wrong answer that stays wrong is not waited for. $why tells what failed.
runs() {
    wrong= why=
    while [ "$(now)" -lt "$deadline" ]; do
        if active; then
            why=$(within "$(left)" sh -c "$1" 2>&1)
            case $? in
            0)
                sleep 0.3
                active && [ "$(restarts)" = "$first" ] && return 0
                why="it ended just after it had answered"
                ;;
            75) wrong= ;;
            124 | 137) why="${why:-no answer within the time that the probe has}" ;;
            *)
                wrong=${wrong:-$(now)}
                [ $(($(now) - wrong)) -lt 3 ] || return 1
                ;;
            esac
        else
            why="it is $(ask is-active -- "$watched")"
        fi
        if ask is-failed --quiet -- "$watched" || [ "$(restarts)" != "$first" ]; then return 1; fi
        sleep 0.2
    done
    return 1
}

# obeyed VERB: a restart may not be had in one step, as where the next release runs a daemon under another unit, which
# cannot end the former one and follow it in a single transaction.
obeyed() {
    if said=$(within "$patient" systemctl "$1" -- "$unit" 2>&1); then return; fi
    case $1,$said in
    *restart,*"conflicting jobs"*) within "$patient" systemctl stop -- "$unit" >&2 && within "$patient" systemctl start -- "$unit" >&2 ;;
    *) printf '%s\n' "$said" >&2 && return 1 ;;
    esac
}

# as_busy CALM BUSY: which of the two, BUSY where more than four processes for each processor have wanted to run for a
# while (proc(5), loadavg): what takes a second by itself takes ten there, and is not broken.
as_busy() {
    read -r load _ </proc/loadavg
    if [ "${load%.*}" -ge $(($(nproc) * 4)) ]; then echo "$2"; else echo "$1"; fi
}

# act VERB PROBE SECONDS: for the probe, and five more for systemd, since what stops may have work to finish.
act() {
    ask reset-failed -- "$watched" 2>/dev/null
    patient=$(($3 + 5))
    obeyed "$1" || {
        why="systemctl $1 $unit failed, or took more than $patient s"
        return 2
    }
    first=$(restarts) # now: a start by hand begins to count anew
    # Most daemons are only told to reload: what ran before may answer a moment longer.
    case $1 in reload*) sleep 0.5 ;; esac
    deadline=$(($(now) + $3))
    runs "$2"
}

# A reload can end what an upgrade of the distribution left running, or not find it at all (a lost pid file). Then the
# new files get a start before they are blamed, unless half of the time is gone.
comes_up() {
    begun=$(now)
    act "$action" "$PROBE" "$patience" && return 0
    case $?,$action in
    2,reload*) ;;
    *) if active; then return 1; fi ;;
    esac
    [ $(($(now) - begun)) -lt 6 ] || return 1
    act restart "$PROBE" "$patience"
}

# Every tree whose unit has not run with its newest files yet becomes as it was before. $back names them.
put_back() {
    back=
    for state in "$@"; do
        [ -d "$state/previous" ] || continue
        target=$(cat -- "$state/target")
        restore "$state/previous" && rm -rf -- "$state/previous"
        echo "back $target"
        back="$back $target"
    done
    [ -n "$back" ]
}

# has_read_the_rest STATE…: is the unit reloaded or started since whatever it watches was changed, but for what the trees of
# these states have put since it ran with them? Then, once they are put back, it runs just what lies there.
has_read_the_rest() {
    last=$(ask show --timestamp=us+utc -p StateChangeTimestamp --value -- "$watched")
    printf '%s\n' "$WATCHED" | while IFS= read -r path; do find "$path" ! -type d -newerct "$last" 2>/dev/null; done | {
        while IFS= read -r file; do ours "$file" "$@" || exit 1; done
    }
}
ours() {
    file=$1
    shift
    for state in "$@"; do
        [ -d "$state/previous" ] || continue
        target=$(cat -- "$state/target")
        case $file in "$target"/*) if kept "$state/previous" "${file#"$target"/}"; then return 0; fi ;; esac
    done
    return 1
}

# Judged by what these files were judged by when they were new; where nobody has noted that, it is enough that it runs.
runs_again() {
    old=true
    [ ! -s "$memory/probe" ] || old=$(cat -- "$memory/probe")
    # What does not stop in time is ended.
    if [ "$(ask is-active -- "$watched")" = deactivating ]; then ask kill --signal=KILL -- "$watched"; fi
    # What only a start made known to it, only a start takes back.
    again=reload-or-restart
    [ "$action" != restart ] || again=restart
    act "$again" "$old" 8 && return 0
    act restart "$old" 8 && return 0
    # What neither stops nor starts in time is ended, and started.
    if [ "$?" = 2 ]; then
        ask kill --signal=KILL -- "$watched"
        act restart "$old" 8
    else
        return 1
    fi
}

refused() { sh -c "$CHECKER" 2>&1 </dev/null 9>&-; }

remember() {
    mkdir -p -- "$memory"
    printf '%s\n' "$2" >"$memory/$1.new"
    mv -f -- "$memory/$1.new" "$memory/$1"
}

# systemd reads its units anew, all of them: a tenth of a second of processor, so only where something that it reads, or a
# link leads to, has changed since it did. A file bears the time of the kernel's last tick, hence a second more; and a
# time that is yet to come, as after somebody set the clock back, tells nothing.
reread() {
    read_at=$(ask show --timestamp=us+utc -p UnitsLoadTimestamp --value)
    newer=$(find -L "$LOCK" /etc/systemd /run/systemd/system /run/systemd/system-generators /usr/local/lib/systemd /usr/lib/systemd/system \
        /usr/lib/systemd/system-generators /etc/init.d /etc/fstab -newerct "$read_at 1 second ago" 2>/dev/null)
    if [ -z "$read_at" ] || [ "$newer" != "$LOCK" ]; then ask daemon-reload; fi
}

reread
case $boot in
enable)
    # Masked by hand: what is declared runs all the same.
    case $(ask is-enabled -- "$unit" 2>/dev/null) in
    masked*) ask --quiet unmask -- "$unit"; ask --quiet unmask --runtime -- "$unit" ;;
    esac
    ask --quiet enable -- "$unit"
    ;;
disable) ask --quiet disable -- "$unit" ;;
esac
case $action in
none) exit 0 ;;
stop)
    if active; then within 100 systemctl stop -- "$unit" || exit; fi
    find /etc/systemd/system -xtype l -name "$unit" -delete # its file may be gone, and then nobody disables it
    rm -rf -- "$memory"
    exit 0
    ;;
esac

# Whatever asks for the reload: what runs is left alone while its own program would not take what lies there now.
if ! said=$(refused); then
    active && does="goes on as it runs" || does="is not started"
    echo "$unit $does (no $action), for its checker refuses what lies on disk:" >&2
    printf '%s\n' "$said" >&2
    # A restart that is asked for may have been due before these files came.
    if [ "$action" != restart ] && active && has_read_the_rest "$@"; then knows=yes; else knows=; fi
    if put_back "$@"; then
        echo "the previous files are back in$back" >&2
        [ -z "$knows" ] || remember read "what lies there is what runs, newer by its times alone"
    fi
    exit 1
fi

# Going back soon matters to those whom the former files served: what did not run, as at a first run, has its time.
patience=30
[ "$action" = start ] || for state in "$@"; do [ ! -d "$state/previous" ] || patience=$(as_busy 10 15); done
since=$(date +%s)
was=$(active && started_at)
if comes_up; then
    # Whatever was asked for: a reload may have become a restart.
    if [ -z "$was" ]; then became=started; elif [ "$(started_at)" = "$was" ]; then became=reloaded; else became=restarted; fi
    echo "unit $unit $became"
    # An upgrade of the release ended it in a way that systemd would tell as a failure until the next boot.
    [ -z "$FORMER" ] || ask reset-failed -- "$FORMER" 2>/dev/null
    for state in "$@"; do rm -rf -- "$state/previous"; done
    remember probe "$PROBE"
    remember check "$CHECKER"
    exit 0
fi

echo "$unit did not come up after: systemctl $action $unit" >&2
if [ -n "$why" ]; then printf 'its probe: %s\n' "$why" >&2; fi
within 10 journalctl -u "$watched" --since "@$since" -n 15 --no-pager -o cat >&2 2>/dev/null
if ! put_back "$@"; then exit 1; fi
if runs_again; then
    echo "the previous files are back in$back, and $unit runs with them" >&2
elif active; then
    echo "the previous files are back in$back, and $unit is active, but their own probe fails too: $why" >&2
else
    echo "the previous files are back in$back, but $unit does not run with them either: $why" >&2
fi
exit 1
