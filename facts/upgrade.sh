# What apt would do if the package sources were another release's, and what an upgrade of the release has to mind.
# $1, $2: codenames of this release and of the other; the rest: packages whose versions count. Changes nothing: the
# other release's lists go to a directory of their own, which is removed.
from=$1 to=$2
shift 2
export LC_ALL=C
work=$(mktemp -d) || exit 1
trap 'rm -rf -- "$work"' EXIT
mkdir "$work/lists" "$work/sources"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$file" ] || sed "s/$from/$to/g" "$file" >"$work/sources/${file##*/}"
done
other() {
    program=$1
    shift
    "$program" -o Dir::State::Lists="$work/lists" -o Dir::Etc::sourcelist=/dev/null \
        -o Dir::Etc::sourceparts="$work/sources" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
        -o Acquire::Languages=none -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}

# Who has no way to a mirror is told within a minute or two. Of the lines with Err some are about the compressed files of
# a source that has others, and of the warnings some are about keys and double lines: those about fetching count.
other apt-get update -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 2>&1 |
    sed -n 's/^E: */unreachable /p; s/^W: \(Failed to fetch \)/unreachable \1/p'
other apt-get indextargets --format 'reached $(CODENAME)' 'Created-By: Packages' 2>/dev/null | sort -u
other apt-get --simulate full-upgrade 2>&1 >"$work/simulated" | sed -n 's/^E: */refused /p'
sed -nE 's/^Inst ([^ ]+) (\[([^]]+)\] )?\(([^ ]+) .*/inst \1 \4 \3/p
s/^Remv ([^ ]+) \[([^]]+)\].*/remv \1 \2/p' "$work/simulated"
sed -n '/^The following packages have been kept back:/,/^[^ ]/s/^  //p' "$work/simulated" | tr ' ' '\n' | sed 's/^./kept &/'
other apt-get --print-uris -qq full-upgrade 2>/dev/null |
    awk '/^'\''/ { bytes += $3 } END { printf "download %.0f\n", bytes }'
other apt-get --assume-no full-upgrade 2>/dev/null |
    sed -nE 's/^After this operation, ([0-9.,]+ [kMG]?B) of additional disk space.*/grows \1/p
s/^ *Space needed: ([0-9.,]+ [kMG]?B) .*/grows \1/p'

# Of the address without the password that it may hold.
apt-get indextargets --format 'origin $(ORIGIN)|$(SITE) $(RELEASE)/$(COMPONENT)' 'Created-By: Packages' 2>/dev/null | sort -u
apt-mark showhold | sed 's/^/held /'
apt-get --simulate full-upgrade 2>/dev/null | awk '/^Inst / { count++ } END { print "behind", count + 0 }'
for path in / /usr /var /boot; do df -Pk "$path" 2>/dev/null | awk -v path="$path" 'NR > 1 { print "free", path, $4, $1 }'; done
running=$(uname -r)
du -ck /boot/*"-$running" 2>/dev/null | awk '$2 == "total" { print "kernel", $1 }'
# The names alone: values may be secrets.
[ ! -f /etc/dovecot/local.conf ] || sed 's/=.*/=/; s/^/local /' /etc/dovecot/local.conf
dpkg-query -W -f 'dpkg ${db:Status-Status} ${Package} ${Version}\n' "$@" 2>/dev/null
other apt-cache policy "$@" 2>/dev/null
