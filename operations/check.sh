# Shared by config.tree and unit.converge, and kept on the host for what reloads services between runs: a program's own
# checker. It needs nothing but what stands here.

# checked TARGET STAGE CHECKER: does the checker take what lies in STAGE as the content of TARGET?
checked() {
    said=$(STAGE=$2 TARGET=$1 timeout --kill-after=2 120 sh -c 'umask 022; cd /; sh -euc "$1"' sh "$3" </dev/null 2>&1 9>&-)
    code=$?
    if [ "$code" = 0 ]; then return 0; fi
    [ "$code" -lt 124 ] || said="$said
the checker did not end"
    printf '%s\n' "$said" | sed "s|$2|$1|g" >&2
    return 1
}

# in_place TARGET copy|bare MANIFEST CHECKER: the same of what lies there already. Checkers write into what they look at.
in_place() {
    [ -d "$1" ] || return 0
    copy=$(mktemp -d -- "$(dirname "$1")/.$(basename "$1").posthaus.XXXXXX") || return 1
    if [ "$2" = copy ]; then
        cp -a -- "$1/." "$copy"
    else
        chmod --reference="$1" -- "$copy"
        # shellcheck disable=SC2046  # names of our own making, none with a blank
        (cd "$1" && cp -a --parents -t "$copy" -- $(cat -- "$3")) 2>/dev/null
    fi
    checked "$1" "$copy" "$4"
    code=$?
    rm -rf -- "$copy"
    return "$code"
}

# unchanged STAMP PATH…: did a checker pass since anything here, or any package, changed?
unchanged() {
    stamp=$1
    shift
    [ -e "$stamp" ] && [ -z "$(find "$@" /var/lib/dpkg/status -cnewer "$stamp" -print -quit 2>/dev/null)" ]
}
