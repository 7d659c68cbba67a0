# shellcheck shell=sh
# What systemd and the kernel say of many units at once; facts/units.py calls these functions and reads what they print.
export LC_ALL=C

# units PROPERTIES UNIT…: what systemctl shows, a line "--", then for those that there are "boot UNIT STATE", and "pid UNIT PID" and
# "exe /proc/PID/exe PROGRAM" of those that run.
units() {
    properties=$1
    shift
    shown=$(systemctl show --timestamp=us+utc -p "$properties" -- "$@")
    printf '%s\n--\n' "$shown"
    # shellcheck disable=SC2046  # names of units have no blanks
    set -- $(each 'v["LoadState"] == "loaded" { print v["Id"] }')
    [ $# = 0 ] || boot "$@"
    # Debian 12's postfix@- names no main process: the first of its control group is the master.
    pids=$(each 'v["LoadState"] == "loaded" && (v["MainPID"] > 0 || v["ControlGroup"]) {
        print v["Id"], v["MainPID"] + 0, v["ControlGroup"] }' |
        while read -r unit pid group; do
            [ "$pid" != 0 ] || read -r pid <"/sys/fs/cgroup$group/cgroup.procs" ||
                read -r pid <"/sys/fs/cgroup/systemd$group/cgroup.procs" || continue
            echo "pid $unit $pid"
        done 2>/dev/null)
    printf '%s\n' "$pids"
    # shellcheck disable=SC2046
    find $(printf '%s\n' "$pids" | awk '{ print "/proc/" $3 "/exe" }') -maxdepth 0 -printf 'exe %p %l\n' 2>/dev/null
}

# each PROGRAM: awk on what was shown, a unit at a time, with its properties in v.
each() {
    printf '%s\n' "$shown" | awk -v RS= -F '\n' '{
        delete v
        for (i = 1; i <= NF; i++) { at = index($i, "="); v[substr($i, 1, at - 1)] = substr($i, at + 1) }
    } '"$1"
}

# The property UnitFileState would be as of systemd's last reload; this is as of now. One that is lost between two
# commands ends the first way.
boot() {
    states=$(systemctl is-enabled -- "$@" 2>/dev/null)
    [ "$(printf '%s\n' "$states" | wc -l)" = $# ] ||
        states=$(for unit; do said=$(systemctl is-enabled -- "$unit" 2>/dev/null | head -n 1); echo "${said:-unknown}"; done)
    for state in $states; do
        echo "boot $1 $state"
        shift
    done
}

# newest PATH…: "newest TIME PATH", the newest change (ctime, seconds since 1970) at or below each that there is.
newest() {
    find "$@" -printf '%C@ %H\n' 2>/dev/null | awk '
        { time = $1; path = substr($0, length(time) + 2); if (!(path in newest) || time > newest[path]) newest[path] = time }
        END { for (path in newest) print "newest", newest[path], path }'
}

# there DIRECTORY…: "there DIRECTORY" for each that there is.
there() { for directory; do [ ! -d "$directory" ] || echo "there $directory"; done; }

# blind UNIT PATH FILE: "blind UNIT" if it runs and sees at PATH another file than FILE.
blind() {
    case "
$pids
" in
    *"
pid $1 "*) ;;
    *) return ;;
    esac
    pid=${pids##*"pid $1 "}
    pid=${pid%%[!0-9]*}
    [ ! -e "$3" ] || cmp -s "/proc/$pid/root$2" "$3" || echo "blind $1"
}
