# shellcheck shell=bash
# Talk to smtpd as a client does. $1 the name it must greet with, $2 an address that it must not stumble over.
shopt -s extglob
exec 3<>/dev/tcp/127.0.0.1/25 || exit 1
answer() {
    while read -r line <&3; do
        case $line in [0-9][0-9][0-9]-*) ;; *) break ;; esac
    done
    # shellcheck disable=SC2254  # a pattern is what is expected
    case $line in
        $1) return 0 ;;
        *) echo "SMTP: ${line:-no answer} (expected $1)" >&2; exit 1 ;;
    esac
}
say() { printf '%s\r\n' "$1" >&3; }
answer "220 $1 *"
say "EHLO $1"; answer "250 *"
say "MAIL FROM:<>"; answer "250 *"
# A full mailbox is no fault of Postfix's (552); what a table or a network breaks is 451.
say "RCPT TO:<$2>"; answer "@(250|552) *"
say "RSET"; answer "250 *"
say "QUIT"; answer "221 *"
