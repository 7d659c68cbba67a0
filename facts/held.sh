# Each message that Postfix holds back: the login that handed it in (- for none), its queue identifier, when it arrived
# (seconds since 1970), how many recipients wait for it; tabs between. Identifiers that go meanwhile are left out.
held() {
    waiting=$(postqueue -j |
        sed -n 's/^{"queue_name": "hold", "queue_id": "\([0-9A-Za-z]*\)", "arrival_time": \([0-9]*\),.*/\1 \2/p')
    [ -n "$waiting" ] || return 0
    # shellcheck disable=SC2016  # sh -c expands them
    {
        printf '%s\n' "$waiting"
        printf '%s\n' "$waiting" | cut -d' ' -f1 | xargs -n 100 sh -c '
            postcat -e -q "$@" 2>/dev/null || for one do postcat -e -q "$one" 2>/dev/null; done; :' sh
    } | awk '
        /^\*\*\* ENVELOPE RECORDS / { id = $4; sub(/.*\//, "", id); login[id] = "-"; recipients[id] = 0 }
        id == "" { arrived[$1] = $2 }
        /^named_attribute: sasl_username=/ { login[id] = substr($0, 32) }
        /^recipient: / { recipients[id]++ }
        END { for (id in login) if (id in arrived) print login[id] "\t" id "\t" arrived[id] "\t" recipients[id] }'
}
