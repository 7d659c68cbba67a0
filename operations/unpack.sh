# archive.unpack on the host. $1 target, $2 versions, $3 name of the new version, $4 its stamp, $5 SHA-256 of the
# archive; stdin: the archive, base64. STAMP in the environment: the stamp's file name.
set -eu
umask 022
target=$1 versions=$2 name=$3 stamp=$4 sum=$5
mkdir -p -- "$versions"
lock "$target"
if [ -e "$target" ] && [ ! -L "$target" ]; then
    echo "$target lies there and is not ours (no symbolic link); move it away, then run again" >&2
    exit 1
fi
mkdir -p -- "$(dirname "$target")"
old=$(readlink -- "$target" || :)
new=$(mktemp -d -- "$versions/$name.XXXXXX")
trap 'rm -rf -- "$new" "$new.tar.gz" "$target.posthaus-new"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
base64 -d >"$new.tar.gz"
echo "$sum  $new.tar.gz" | sha256sum --check --status || { echo "the upload is damaged; $target stays as it was" >&2; exit 1; }
: >"$new/$STAMP"
tar -xzpf "$new.tar.gz" -C "$new"
chmod 0755 -- "$new"
printf '%s\n' "$stamp" >"$new/$STAMP"
sync -f -- "$new/$STAMP"
ln -sfn -- "$new" "$target.posthaus-new"
mv -fT -- "$target.posthaus-new" "$target"
trap - EXIT
rm -f -- "$new.tar.gz"
# The version before stays, to go back to by hand: ln -sfn. What is older goes.
for version in "$versions"/*; do
    case $version in "$new" | "$old") ;; *) rm -rf -- "$version" ;; esac
done
