# Shared by all that changes a host: one script at a time ($LOCK), and one run at a time ($LEASE).

# connection: the process that carries this run (sshd's, or pyinfra itself where it works on its own host) and when that
# began (proc(5), stat); nothing where there is none. It ends with the run, however the run ends.
connection() {
    process=$$
    while [ "$process" -gt 1 ] && read -r line <"/proc/$process/stat"; do
        name=${line#*\(}
        case ${name%%\)*} in
        sshd* | pyinfra)
            set -- ${line##*\) }
            shift 19
            echo "$process $1"
            return
            ;;
        esac
        set -- ${line##*\) }
        process=$2
    done 2>/dev/null
}

# leased: does $LEASE name a run that is still there? Its words are in $process $began $renewed $since $who then.
# A connection whose other end lost its power may look alive for hours: without a sign of life it counts no longer.
leased() {
    read -r process began renewed since who 2>/dev/null <"$LEASE" || return 1
    [ $(($(date +%s) - renewed)) -lt "$LEASE_SECONDS" ] || return 1
    read -r line 2>/dev/null <"/proc/$process/stat" || return 1
    set -- ${line##*\) }
    shift 19
    [ "$1" = "$began" ]
}

clock() { date -u -d "@$1" '+%H:%M:%S UTC' 2>/dev/null; }

# lease: from here to the end of this run's connection other runs stay away.
lease() {
    ours=$(connection)
    [ -n "$ours" ] || return 0
    patience=15
    while leased && [ "$process $began" != "$ours" ]; do
        patience=$((patience - 1))
        if [ "$patience" -le 0 ]; then
            echo "another run of Posthaus is under way on this host: $who, since $(clock "$since") (process $process)." \
                "This one ends here. Wait for the other one, or end it: kill $process" >&2
            exit 75
        fi
        sleep 0.2
    done
    [ "${process-} ${began-}" = "$ours" ] || since=$(date +%s)
    (umask 022; printf '%s %s %s %s\n' "$ours" "$(date +%s)" "$since" "$WHO${SSH_CONNECTION:+ from ${SSH_CONNECTION%% *}}" >"$LEASE.new")
    mv -f -- "$LEASE.new" "$LEASE"
}

# lock WHAT: this script alone changes the host until it ends. Who waits in vain is told whom for.
lock() {
    exec 9>>"$LOCK"
    if ! flock -w "$LOCK_SECONDS" 9; then
        read -r holder since what 2>/dev/null <"$LOCK" || :
        echo "$LOCK is held by process ${holder:-(unknown)} since $(clock "${since:-0}"), which is at ${what:-work}; nothing was" \
            "changed. If it hangs, end it: kill ${holder:-PID}" >&2
        exit 75
    fi
    lease
    printf '%s %s %s\n' "$$" "$(date +%s)" "$1" >"$LOCK"
}

# within SECONDS COMMAND…: what hangs is ended, with all that it started; none of it holds the lock.
within() {
    timeout --kill-after=2 "$@" 9>&- </dev/null
}
