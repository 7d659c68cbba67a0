# leaving.archived on the host. $1: the program's directory. stdin: what it shall do, a line each.
set -eu
lock "mailboxes that go to the archive"
exec python3 -I -B "$1" run # it holds the lock as long as it runs; what it starts itself does not
