# config.retire on the host. Arguments: state directories of targets that nothing declares any more.
set -eu
umask 077
for state in "$@"; do
    lock "what nothing declares"
    [ -s "$state/target" ] || { rm -rf -- "$state"; continue; }
    target=$(cat -- "$state/target")
    recover
    while IFS= read -r path; do drop "$path"; done <"$state/manifest"
    rm -rf -- "$state"
done
