# shared.members on the host. $1: who owns the messages; $2: under which members see the mailbox; $3: their rights; $4: the
# memory, which holds the rest ("ADDRESS HOME MEMBER,MEMBER") once all is done. Lines of stdin:
#   rights ADDRESS HOME MEMBER,MEMBER   these have rights in all its folders, and nobody else
#   none ADDRESS HOME                   nobody but its own login has
#   in ADDRESS MEMBER, out ADDRESS MEMBER
set -eu
owner=$1 prefix=$2 rights=$3 memory=$4
shift 4
lock "shared mailboxes"

# As the owner, whose directories these are: nothing that lies there can lead root astray.
write='umask 077
[ -d "$1/Maildir" ] || exit 0
for folder in "$1/Maildir" "$1"/Maildir/.[!.]*; do
    [ -d "$folder/cur" ] || continue
    if [ -z "$3" ]; then rm -f -- "$folder/dovecot-acl"; continue; fi
    printf %s "$3" | tr , "\n" | while read -r member || [ -n "$member" ]; do
        printf "user=%s %s\n" "$member" "$2"
    done >"$folder/dovecot-acl.new"
    mv -f -- "$folder/dovecot-acl.new" "$folder/dovecot-acl"
done
rm -f -- "$1/Maildir/dovecot-acl-list"'

written() {
    runuser -u "$owner" -- sh -c "$write" sh "$1" "$rights" "$2"
}

# A person's subscriptions ($1) without a mailbox ($2), as Dovecot takes no name that it does not show any more.
forgotten='umask 077
[ -f "$1" ] || exit 0
grep -vF -- "$2" "$1" >"$1.posthaus" || :
cmp -s -- "$1" "$1.posthaus" && rm -f -- "$1.posthaus" || mv -f -- "$1.posthaus" "$1"'

while read -r what address one two; do
    case $what in
    rights)
        # Its own login, which would make them, may never come. Those that are there already are no error.
        for folder in INBOX Drafts Sent Trash Junk; do doveadm mailbox create -u "$address" "$folder" 2>/dev/null || :; done
        written "$one" "$two"
        doveadm acl recalc -u "$address"
        ;;
    none)
        # Where nothing is shared any more, Dovecot knows no rights; where the mailbox is gone, nobody has them.
        written "$one" ""
        doveadm acl recalc -u "$address" 2>/dev/null || :
        ;;
    in)
        doveadm mailbox list -u "$one" "$prefix/$address" "$prefix/$address/*" | while read -r folder; do
            case $folder in */Drafts | */Trash) continue ;; esac # everybody has their own
            doveadm mailbox subscribe -u "$one" "$folder"
        done
        ;;
    out)
        log_out "$one" </dev/null
        home=$(doveadm user -f home "$one" 2>/dev/null) || continue
        # It writes tabs for what parts folders on disk: the dots.
        name=$(printf '%s/%s/' "$prefix" "$address" | tr . '\t')
        runuser -u "$owner" -- sh -c "$forgotten" sh "$home/Maildir/subscriptions" "$name"
        ;;
    esac
done
if [ $# -gt 0 ]; then
    printf '%s\n' "$@" >"$memory.new"
    mv -f -- "$memory.new" "$memory"
else
    rm -f -- "$memory"
fi
