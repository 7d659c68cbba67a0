# packages.installed on the host. $1: seconds to wait for locks; the rest: packages; stdin: lines for debconf.
# $PREPARE: commands that come first; $BACKGROUND: commands that run on as $UNIT.
set -eu
# apt has locks of its own, and takes long: only the run is announced.
lock "packages"
exec 9>&-
export LC_ALL=C DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1
# needrestart must neither ask nor restart the sshd that carries this run (needrestart(1)).
export NEEDRESTART_MODE=a NEEDRESTART_SUSPEND=1
deadline=$(($(date +%s) + $1))
shift

# Only apt and dpkg know all their locks, and they name the one in the way and who holds it: so ask again.
patiently() {
    until said=$("$@" 2>&1 </dev/null); do
        case $said in
        *"ould not get lock"* | *"locked by "* | *"nable to lock"*) ;;
        *) printf '%s\n' "$said" >&2; exit 1 ;;
        esac
        if [ "$(date +%s)" -ge "$deadline" ]; then
            printf '%s\n' "$said" "another package manager is still at work; run again when it is done (no lock was removed)" >&2
            holders >&2
            exit 75
        fi
        sleep 3
    done
    printf '%s\n' "$said"
}

# Who holds a lock, where the message itself does not say so (proc(5), /proc/locks).
holders() {
    for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
        inode=$(stat -c %i "$lock" 2>/dev/null) || continue
        awk -v inode="$inode" '{ split($6, file, ":"); if (file[3] == inode && $5 > 0) print $5 }' /proc/locks | sort -u |
            while read -r pid; do echo "$lock is held by process $pid ($(cat "/proc/$pid/comm" 2>/dev/null))"; done
    done
}

# What was being unpacked when dpkg was killed it does not set up, only all others (dpkg(1), reinst-required).
torn() { dpkg-query -W -f '${db:Status-Eflag} ${binary:Package}\n' | sed -n 's/^reinstreq //p'; }
patiently sh -c 'dpkg --force-confold --force-confdef --configure -a || [ -n "$1" ]' sh "$(torn)"
selections=$(cat)
[ -z "$PREPARE" ] || sh -ec "$PREPARE" </dev/null
[ -z "$selections" ] || patiently sh -c 'printf "%s\n" "$1" | debconf-set-selections' sh "$selections"
patiently apt-get update -q -o Acquire::Retries=3
# systemctl(1), SYSTEMD_OFFLINE: no service starts with the distribution's configuration (an open POP3 port, a stock web
# page) between installation and ours. Unlike a policy-rc.d this leaves no file behind, whenever the run dies.
export SYSTEMD_OFFLINE=1
get() {
    patiently apt-get install -q -y --no-install-recommends -o Acquire::Retries=3 \
        -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef "$@"
}
if [ -n "$(torn)" ]; then
    # It is unpacked once more. apt would set it up before that, or refuse because of what others lack.
    again=$(mktemp -d)
    # shellcheck disable=SC2046  # one word each
    patiently sh -c 'cd "$1" && shift && apt-get download -q -o APT::Sandbox::User=root "$@"' sh "$again" $(torn)
    patiently dpkg --force-confold --force-confdef --unpack --recursive "$again"
    rm -r "$again"
    get --fix-broken
fi
get "$@"
unset SYSTEMD_OFFLINE
systemctl daemon-reload
[ -z "$BACKGROUND" ] || systemd-run --quiet --collect --unit="$UNIT" sh -c "$BACKGROUND" || :
