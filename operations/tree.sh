# Shared by config.tree, config.retire and unit.converge: how files are put, put back and taken away.
#
# The state of one target, below $state:
#   target            the directory it is about
#   manifest          the paths that are ours, one a line, relative to the target
#   digests           what each of them held when a run last put any (sha256sum(1)): whoever changed one since can be told
#   undo/             how the target was before the transaction under way
#   undo/complete     present while files are being renamed: finding it means that a run died there
#   previous/         how the target was when its unit last ran with it (undo of all transactions since)
# undo and previous look the same: files/ (copies), absent (paths that were not there), manifest,
# digests.

# A rename within one file system is atomic. A bind mount (/etc/hosts in a container) cannot be renamed over.
place() {
    mv -fT -- "$1" "$2" 2>/dev/null || cat -- "$1" >"$2"
}

make_parent() {
    (umask 022; mkdir -p -- "$(dirname "$1")")
}

# keep DIRECTORY PATH: note in DIRECTORY how target/PATH is now.
keep() {
    if [ -e "$target/$2" ] || [ -L "$target/$2" ]; then
        mkdir -p -- "$(dirname "$1/files/$2")"
        cp -a -- "$target/$2" "$1/files/$2"
    else
        printf '%s\n' "$2" >>"$1/absent"
    fi
}

# kept DIRECTORY PATH: does DIRECTORY know how target/PATH was?
kept() {
    [ -e "$1/files/$2" ] || [ -L "$1/files/$2" ] || grep -qxF -- "$2" "$1/absent" 2>/dev/null
}

drop() {
    rm -f -- "$target/$1"
    (cd "$target" && rmdir -p --ignore-fail-on-non-empty -- "$(dirname "$1")") 2>/dev/null || :
}

# Nobody's run fails for want of it.
note_digests() {
    (cd "$target" && xargs -r -d '\n' sha256sum -- <"$state/manifest" >"$state/digests.new" 2>/dev/null) || :
    mv -f -- "$state/digests.new" "$state/digests" 2>/dev/null || rm -f -- "$state/digests"
}

# restore DIRECTORY: the target becomes what DIRECTORY remembers.
restore() {
    (cd "$1/files" && find . ! -type d | cut -c3-) | while IFS= read -r path; do
        make_parent "$target/$path"
        cp -a -- "$1/files/$path" "$target/$path.posthaus-undo"
        place "$target/$path.posthaus-undo" "$target/$path"
        rm -f -- "$target/$path.posthaus-undo"
    done
    while IFS= read -r path; do drop "$path"; done <"$1/absent"
    cp -a -- "$1/manifest" "$state/manifest.new"
    mv -f -- "$state/manifest.new" "$state/manifest"
    if [ -e "$1/digests" ]; then cp -a -- "$1/digests" "$state/digests"; else rm -f -- "$state/digests"; fi
}

# A run that died while renaming left undo/complete: go back to before it.
recover() {
    if [ -e "$state/undo/complete" ]; then restore "$state/undo"; fi
    rm -rf -- "$state/undo"
}

# What undo remembers joins previous, where the older memory wins.
settle_undo() {
    if [ -d "$state/previous" ]; then
        (cd "$state/undo/files" && find . ! -type d | cut -c3-) | while IFS= read -r path; do
            kept "$state/previous" "$path" && continue
            mkdir -p -- "$(dirname "$state/previous/files/$path")"
            mv -f -- "$state/undo/files/$path" "$state/previous/files/$path"
        done
        while IFS= read -r path; do
            kept "$state/previous" "$path" || printf '%s\n' "$path" >>"$state/previous/absent"
        done <"$state/undo/absent"
        rm -rf -- "$state/undo"
    else
        rm -f -- "$state/undo/complete"
        mv -f -- "$state/undo" "$state/previous"
    fi
}
