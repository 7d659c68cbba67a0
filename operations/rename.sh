# renames.handed_over on the host. $1: who owns the messages; $2: SquirrelMail's preferences; $3: Roundcube's database; $4:
# where homes are noted while they move; the rest: files with rows of addresses. Lines of stdin: OLD-HOME NEW-HOME OLD NEW.
set -eu
owner=$1 preferences=$2 database=$3 noted=$4
shift 4
lock "mailboxes that are renamed"

# rows FILE OLD NEW: the rows of OLD are there for NEW, too; OLD's go when nothing declares OLD any more.
rows() {
    [ -f "$1" ] || return 0
    awk -v old="$2" -v new="$3" '
        { rest = $0; sub(/^[^:]*/, "", rest); key = substr($0, 1, length($0) - length(rest)); n = split(key, part, "/"); mine = 0; key = ""
          for (i = 1; i <= n; i++) { if (part[i] == new) known = 1; if (part[i] == old) { part[i] = new; mine = 1 } key = key (i > 1 ? "/" : "") part[i] }
          line[NR] = $0; if (mine) fresh[++count] = key rest }
        END { for (i = 1; i <= NR; i++) print line[i]; if (!known) for (i = 1; i <= count; i++) print fresh[i] }' "$1" >"$1.posthaus"
    chown --reference="$1" -- "$1.posthaus"
    chmod --reference="$1" -- "$1.posthaus"
    if cmp -s -- "$1" "$1.posthaus"; then rm -f -- "$1.posthaus"; else mv -f -- "$1.posthaus" "$1"; fi
}

# settings OLD NEW: the webmails' own. What the new name has is never overwritten.
settings() {
    for file in "$preferences/$1".*; do
        kind=${file#"$preferences/$1."}
        case $kind in *.*) continue ;; esac # of somebody whose name goes on where this one ends: a@b.cd is not a@b's
        [ -f "$file" ] || continue
        target=$preferences/$2.$kind
        [ -e "$target" ] || mv -T -- "$file" "$target"
    done
    [ ! -f "$database" ] || runuser -u "$(stat -c %U "$database")" -- python3 -I -c '
import sqlite3, sys
path, old, new = sys.argv[1:]
with sqlite3.connect(path, timeout=30) as database:
    known = database.execute("select 1 from users where username = ?", (new,)).fetchone()
    if not known:
        database.execute("update users set username = ? where username = ?", (new, old))
        # What a person writes is from there, and only the name is theirs to change.
        mine = "user_id in (select user_id from users where username = ?)"
        database.execute(f"update identities set email = ? where email = ? and {mine}", (new, old, new))
' "$database" "$1" "$2"
}

while read -r old_home new_home old new; do
    # While the parents are closed to Dovecot, it makes no home anew: what arrives in that moment is tried again.
    parent=$(dirname "$old_home")
    parents=$(dirname "$new_home")
    [ -d "$parents" ] || install -d -o "$owner" -g "$owner" -m 0700 "$parents"
    for file in "$@"; do rows "$file" "$old" "$new"; done
    # Before anything is closed or leads elsewhere: whatever mail.yaml says next, a run finds what this one left.
    mkdir -p -- "$(dirname "$noted")"
    (umask 077; printf '%s\n' "$old_home" "$new_home" >>"$noted")
    settings "$old" "$new"
    trap 'chmod u+w -- "$parent" "$parents"' EXIT
    trap '' HUP INT TERM
    chmod u-w -- "$parent" "$parents"
    # It holds nothing; whatever lies there all the same is kept beside.
    [ ! -e "$new_home" ] || mv -T -- "$new_home" "$parents/.$(basename "$new_home").empty.$(date +%s)"
    rm -f -- "$old_home.posthaus-link"
    ln -s -- "../${new_home#"$(dirname "$parents")/"}" "$old_home.posthaus-link"
    mv -T -- "$old_home" "$new_home"
    mv -T -- "$old_home.posthaus-link" "$old_home"
    chmod u+w -- "$parent" "$parents"
    trap - EXIT HUP INT TERM
    log_out "$old" </dev/null
done
