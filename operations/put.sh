# config.tree on the host. $1 target, $2 its state, $3 copy|bare; stdin: a base64 tar.gz with files/, rows/ and the lists put, gone, build, made, manifest.
set -eu
umask 077
target=$1 state=$2 neighbours=$3
lock "$target"
mkdir -p -- "$state"
recover
make_parent "$target/x"
stage=$(mktemp -d -- "$(dirname "$target")/.$(basename "$target").posthaus.XXXXXX")
payload=$(mktemp -d -- "$(dirname "$target")/.$(basename "$target").posthaus.XXXXXX")
trap 'rm -rf -- "$stage" "$payload"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
base64 -d | tar -xzmpf - -C "$payload"
# Long files of which only the new rows came: "=FIRST LAST" are rows of the old file.
while read -r sum path; do
    LC_ALL=C awk 'NR == FNR { old[NR] = $0; next }
        /^=/ { split(substr($0, 2), range, " "); for (row = range[1] + 0; row <= range[2] + 0 && row in old; row++) print old[row]; next }
        { print substr($0, 2) }' "$target/$path" "$payload/rows/$path" >"$payload/files/$path"
    [ "$(sha256sum <"$payload/files/$path" | cut -c1-64)" = "$sum" ] || { echo "$target/$path changed meanwhile; run again" >&2; exit 1; }
done <"$payload/made"
if [ "$neighbours" = copy ]; then cp -a -- "$target/." "$stage"; fi
chmod --reference="$target" -- "$stage"
while IFS= read -r path; do rm -f -- "$stage/$path"; done <"$payload/gone"
cp -a --remove-destination -- "$payload/files/." "$stage"
while IFS= read -r SOURCE; do
    export SOURCE
    checked "$target" "$stage" "$BUILD" || { echo "$target: what is made of $SOURCE could not be made; the old files stay" >&2; exit 1; }
done <"$payload/build"
checked "$target" "$stage" "$VALIDATE" || { echo "$target: its checker refused the new files; the old ones stay" >&2; exit 1; }

mkdir -p -- "$state/undo/files"
: >"$state/undo/absent"
touch -- "$state/manifest"
cp -a -- "$state/manifest" "$state/undo/manifest"
[ ! -e "$state/digests" ] || cp -a -- "$state/digests" "$state/undo/digests"
cat -- "$payload/put" "$payload/gone" | while IFS= read -r path; do keep "$state/undo" "$path"; done
printf '%s\n' "$target" >"$state/target"
sort -u -- "$state/manifest" "$payload/manifest" >"$state/manifest.new"
sync -- "$state/manifest.new"

# From here to the end of the renames nothing may stop us half way; what does all the same, recover() undoes.
trap '' HUP INT TERM PIPE
trap 'status=$?; if [ -e "$state/undo/complete" ]; then echo "$target: a rename failed; the old files are back" >&2; recover; fi; rm -rf -- "$stage" "$payload"; exit $status' EXIT
touch -- "$state/undo/complete"
mv -f -- "$state/manifest.new" "$state/manifest"
while IFS= read -r path; do make_parent "$target/$path"; place "$stage/$path" "$target/$path"; done <"$payload/put"
while IFS= read -r path; do drop "$path"; done <"$payload/gone"
cp -- "$payload/manifest" "$state/manifest.new"
mv -f -- "$state/manifest.new" "$state/manifest"
note_digests
settle_undo
touch -- "$state/checked"
