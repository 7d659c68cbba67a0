# Somebody moved a message into the Junk of a mailbox that several people share.
require ["copy", "environment", "imapsieve", "vnd.dovecot.pipe"];

if environment :matches "imap.mailbox" "shared/*/Junk" {
    pipe :copy "learn" "spam";
}
