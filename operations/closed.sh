# mailboxes.closed on the host. Lines of stdin: logins whose sessions end.
set -eu
lock "sessions of mailboxes that are gone or shut"
while read -r login; do log_out "$login" </dev/null; done
