# shellcheck shell=sh
# May this login act as root, by sudo? Reads the password from one line of stdin (empty: none is known). Says one line:
# root, missing, asks, works [PATH of a helper that hands sudo the password], mounts DIRECTORY…, refuses WHY.
#
# A wrong password is tried once: the helper hands it over once here, and gives up when sudo asks again, for three
# wrong ones in a row lock an account where pam_faillock(8) says so.
say() { printf 'sudo %s\n' "$*" | tr -d '\r'; }
LC_ALL=C
IFS= read -r PYINFRA_SUDO_PASSWORD || :
export LC_ALL PYINFRA_SUDO_PASSWORD
if ! command -v sudo >/dev/null; then
    if [ "$(id -u)" = 0 ]; then say root; else say missing; fi
    exit 0
fi
if [ -z "$PYINFRA_SUDO_PASSWORD" ]; then
    told=$(sudo -H -n true 2>&1) && told='works'
    case $told in
    works) say works ;;
    *'password is required'* | *'authentication is required'*) say asks ;;
    *) say refuses "$(printf %s "$told" | tr '\n' ' ')" ;;
    esac
    exit 0
fi

helper='' tried=''
for directory in /var/tmp /tmp "${XDG_RUNTIME_DIR:-}" "${HOME:-}"; do
    [ -d "$directory" ] || continue
    tried="$tried $directory"
    helper=$(mktemp "$directory/pyinfra-sudo-askpass-XXXXXXXXXXXX" 2>/dev/null) || continue
    cat >"$helper" <<'END'
#!/bin/sh
[ -z "$POSTHAUS_ONCE" ] || rm "$POSTHAUS_ONCE" 2>/dev/null || exit 1
printf '%s\n' "$PYINFRA_SUDO_PASSWORD"
END
    chmod 700 "$helper"
    POSTHAUS_ONCE='' "$helper" >/dev/null 2>&1 && break # a file system mounted noexec lets no program begin there
    rm -f "$helper"
    helper=''
done
if [ -z "$helper" ]; then
    if sudo -H -n true 2>/dev/null; then say works; else say mounts "${tried# }"; fi
    exit 0
fi
: >"$helper.once"
if told=$(POSTHAUS_ONCE="$helper.once" SUDO_ASKPASS="$helper" sudo -H -A -k true 2>&1); then
    say works "$helper"
    rm -f "$helper.once"
else
    rm -f "$helper" "$helper.once"
    say refuses "$(printf %s "$told" | tr '\n' ' ')"
fi
