# Somebody moved a message into Junk.
require ["copy", "vnd.dovecot.pipe"];

pipe :copy "learn" "spam";
