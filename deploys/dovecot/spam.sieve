# Somebody moved a letter into Junk.
require ["copy", "vnd.dovecot.pipe"];

pipe :copy "learn" "spam";
