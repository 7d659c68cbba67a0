# renames.links_removed and left_links_removed on the host. $1: where homes are noted while they move; stdin: paths. Links of
# ours among them go, and what was closed while they were made is open again.
set -eu
umask 077
noted=$1
lock "links to renamed mailboxes"
paths=$(cat)
printf '%s\n' "$paths" | while read -r path; do
    case $(readlink -- "$path" || :) in ../*) rm -f -- "$path" ;; esac
    [ ! -d "$(dirname "$path")" ] || chmod u+w -- "$(dirname "$path")"
done
# What is noted and not asked about here is another run's to remove.
if [ -e "$noted" ]; then
    { grep -vxF -e "$paths" "$noted" || :; } >"$noted.new"
    mv -f -- "$noted.new" "$noted"
fi
