# renames.links_removed on the host. $1: where links were noted; stdin: paths, of which those that are links of ours go.
set -eu
noted=$1
lock "links to renamed mailboxes"
links=$(cat)
printf '%s\n' "$links" | while read -r path; do
    case $(readlink -- "$path" || :) in ../*) rm -f -- "$path" ;; esac
    chmod u+w -- "$(dirname "$path")"
done
# What is noted and not asked about here is another run's to remove.
if [ -e "$noted" ]; then
    { grep -vxF -e "$links" "$noted" || :; } >"$noted.new"
    mv -f -- "$noted.new" "$noted"
fi
