# Shared by all that ends sessions, on the host as root: the account service's program has this file too.

# log_out LOGIN…: no session of theirs goes on, by whatever protocol. Whoever has none is no error.
# doveadm-kick(1) alone leaves one in Dovecot 2.4 that has opened what others share; each has a process of its own, and
# that ends on SIGTERM, in 2.3 and 2.4. What has left its process to imap-hibernate, kick ends.
log_out() {
    for login in "$@"; do
        doveadm kick "$login" >/dev/null 2>&1 || :
        for pid in $(doveadm -f tab who "$login" 2>/dev/null | cut -f 4 | tr -dc '0-9 \n'); do
            case $(cat "/proc/$pid/comm" 2>/dev/null) in imap | pop3 | managesieve) kill "$pid" 2>/dev/null || : ;; esac
        done
    done
}
