# Somebody took a message out of Junk. What is thrown away says nothing.
require ["copy", "environment", "imapsieve", "vnd.dovecot.pipe"];

if not environment :matches "imap.mailbox" ["Trash", "Trash/*"] {
    pipe :copy "learn" "ham";
}
