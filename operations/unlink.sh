# renames.links_removed on the host. stdin: paths, of which those that are links of ours go.
set -eu
lock "links to renamed mailboxes"
while read -r path; do
    case $(readlink -- "$path" || :) in ../*) rm -f -- "$path" ;; esac
    chmod u+w -- "$(dirname "$path")"
done
