# For everybody, before anybody's own script.
require ["envelope", "fileinto", "mailbox", "subaddress"];

# What could not be redirected has come back, and a script that redirects everything would send it off again, and lose it.
if allof (envelope :is "from" "", envelope :detail :is "to" "returned") {
    fileinto "INBOX";
    stop;
}

# What the filter marked as spam goes to Junk.
if header :is "X-Spam" "Yes" {
    fileinto :create "Junk";
    stop;
}
