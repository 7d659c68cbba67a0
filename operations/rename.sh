# renames.handed_over on the host. $1: who owns the messages; $2: the directory of the program that knows what else a person
# has; $3: where homes are noted while they move. Lines of stdin: OLD-HOME NEW-HOME OLD NEW.
set -eu
owner=$1 program=$2 noted=$3
lock "mailboxes that are renamed"

moves=$(cat)
printf '%s\n' "$moves" | cut -d ' ' -f 3,4 | python3 -I -B "$program" rename
while read -r old_home new_home old new; do
    # While the parents are closed to Dovecot, it makes no home anew: what arrives in that moment is tried again.
    parent=$(dirname "$old_home")
    parents=$(dirname "$new_home")
    [ -d "$parents" ] || install -d -o "$owner" -g "$owner" -m 0700 "$parents"
    # Before anything is closed or leads elsewhere: whatever mail.yaml says next, a run finds what this one left.
    mkdir -p -- "$(dirname "$noted")"
    (umask 077; printf '%s\n' "$old_home" "$new_home" >>"$noted")
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
done <<EOF
$moves
EOF
