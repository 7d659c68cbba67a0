# What the filter marked as spam goes to Junk, for everybody, before anybody's own script.
require ["fileinto", "mailbox"];

if header :is "X-Spam" "Yes" {
    fileinto :create "Junk";
    stop;
}
