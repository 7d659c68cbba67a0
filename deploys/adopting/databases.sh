# What deploys/adopting/databases.py asks: the rows of the SQL databases that Postfix and Dovecot ask, in transactions that may only
# read. $WANTED: a line for each table, with the columns to read if they are there.
# A password goes from the file that has it to the client through a pipe: it is in no argument, environment or file.
set -u
export LC_ALL=C.UTF-8 PATH="$PATH:/usr/sbin:/sbin"
asked='|' followed=' '

# of "KEY = VALUE" lines, as Postfix's and Dovecot 2.3's files have them: the value of $1, on standard input
value() {
    awk -v key="$1" '
        { sub(/\r$/, "") }
        /^[ \t]*(#|$)/ { next }
        /^[ \t]/ || more { if (hit) { sub(/^[ \t]+/, ""); held = held " " $0 } more = /\\$/; next }
        { at = index($0, "="); name = substr($0, 1, at - 1); gsub(/[ \t]/, "", name); hit = (at && name == key) }
        hit { held = substr($0, at + 1); sub(/^[ \t]+/, "", held) }
        { more = /\\$/ }
        END { gsub(/\\ /, " ", held); sub(/[ \t]+$/, "", held); print held }'
}

# of "WORD=VALUE WORD=VALUE" (connect of Dovecot 2.3): the value of $1, on standard input
word() {
    tr -s '[:blank:]' '\n' | sed -n "s/^$1=//p" | sed "s/^'\(.*\)'\$/\1/; s/^\"\(.*\)\"\$/\1/" | head -n 1
}

escaped() {
    printf '%s' "$1" | sed 's/["\\]/\\&/g'
}

# psql asks for the password where there is no terminal, too
said() {
    sed 's/^Password\( for user .*\)\{0,1\}: //; /^$/d'
}

# $kind $host $user $dbname $password: how to ask. SQL on standard input.
client() {
    case $kind in
    mysql)
        program=$(command -v mariadb || command -v mysql) || return 127
        case $host in
        unix:*) at="socket=\"${host#unix:}\"" ;;
        /*) at="socket=\"$host\"" ;;
        '') at= ;;
        *) at="host=\"${host%%:*}\"" && case $host in *:*) at="$at
port=${host##*:}" ;; esac ;;
        esac
        "$program" --defaults-file=/dev/fd/3 --batch --raw --skip-column-names --default-character-set=utf8mb4 \
            --connect-timeout=20 "$dbname" 3<<END
[client]
$at
user="$(escaped "$user")"
password="$(escaped "$password")"
END
        ;;
    pgsql)
        command -v psql >/dev/null || return 127
        at=${host#unix:}
        case $at in /*/.s.PGSQL.*) at=${at%/.s.PGSQL.*} ;; esac
        # without a terminal it reads the password from standard input
        { printf '%s\n' "$password" && cat; } |
            PGCONNECT_TIMEOUT=20 PGCLIENTENCODING=UTF8 PGHOST="${at%%:*}" PGUSER="$user" PGDATABASE="$dbname" \
                setsid -w psql --no-psqlrc --password --quiet --no-align --tuples-only --set ON_ERROR_STOP=1
        ;;
    sqlite)
        command -v sqlite3 >/dev/null || return 127
        sqlite3 -readonly -batch -bail "$dbname"
        ;;
    esac
}

columns() {
    case $kind in
    mysql) echo "SELECT CONCAT('column ', table_name, ' ', column_name) FROM information_schema.columns
        WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position;" ;;
    pgsql) echo "SELECT 'column ' || table_name || ' ' || column_name FROM information_schema.columns
        WHERE table_schema = ANY (current_schemas(false)) ORDER BY table_name, ordinal_position;" ;;
    sqlite) echo "SELECT 'column ' || t.name || ' ' || c.name FROM sqlite_master t, pragma_table_info(t.name) c
        WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid;" ;;
    esac
}

# "column TABLE COLUMN" lines on standard input: SQL for those that are wanted, a JSON object for each row
rows() {
    case $kind in
    mysql) echo 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;' ;;
    pgsql) echo 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;' ;;
    sqlite) echo 'BEGIN;' ;;
    esac
    { printf '%s\n' "$WANTED" && echo && cat; } | awk -v kind="$kind" '
        BEGIN {
            quote = kind == "mysql" ? "`" : "\""
            object = kind == "pgsql" ? "json_build_object(" : "json_object("
        }
        $1 == "column" && NF == 3 { if (($2, $3) in wanted) there[$2] = there[$2] ", '\''" $3 "'\'', " quote $3 quote; next }
        { for (at = 2; at <= NF; at++) wanted[$1, $at] = 1 }
        END {
            for (table in there) {
                row = object substr(there[table], 3) ")"
                head = "'\''row " table " '\''"
                if (kind == "pgsql") row = row "::text"
                row = kind == "mysql" ? "CONCAT(" head ", " row ")" : head " || " row
                print "SELECT " row " FROM " quote table quote ";"
            }
            print "ROLLBACK;"
        }'
}

# $1: where it is written how to ask
ask() {
    case $asked in *"|$kind $host $dbname|"*) return ;; esac
    printf 'database %s %s %s\n' "$kind" "$dbname" "$1"
    if ! known=$(columns | client 2>&1); then
        case $kind in mysql) name=mariadb-client ;; pgsql) name=postgresql-client ;; *) name=sqlite3 ;; esac
        known=$(printf '%s\n' "$known" | said)
        printf '%s\n' "${known:-the package $name is not installed on this host}" | sed 's/^/error /'
        return
    fi
    asked="$asked$kind $host $dbname|"
    printf '%s\n' "$known" | said
    printf '%s\n' "$known" | rows | client 2>&1 | said | sed '/^row /!s/^/error /'
}

# Postfix's tables in SQL: mysql_table(5), pgsql_table(5), sqlite_table(5)
for parameter in virtual_mailbox_domains virtual_mailbox_maps virtual_alias_maps virtual_alias_domains; do
    for table in $(postconf -xh "$parameter" 2>/dev/null | tr ',{}' '   '); do
        table=${table#proxy:}
        case $followed in *" $table "*) continue ;; esac
        followed="$followed$table "
        kind=${table%%:*} file=${table#*:}
        case $kind in mysql | pgsql | sqlite) ;; *) continue ;; esac
        if [ ! -r "$file" ]; then
            printf 'database %s ? %s\nerror there is no such file\n' "$kind" "$file"
            continue
        fi
        printf 'query %s %s %s\n' "$parameter" "$file" "$(value query <"$file")"
        if [ "$kind" = sqlite ]; then
            dbname=$(value dbpath <"$file") host='' user='' password=''
            ask "$file"
            continue
        fi
        dbname=$(value dbname <"$file") user=$(value user <"$file") password=$(value password <"$file")
        hosts=$(value hosts <"$file" | tr ',' ' ')
        for host in ${hosts:-localhost}; do
            host=${host#inet:}
            case $host in postgresql://*) continue ;; esac
            ask "$file"
        done
    done
done

# Dovecot 2.3 has a file for each database, 2.4 all of it in its own
series=$(dovecot --version 2>/dev/null)
case $series in
2.3*)
    doveconf -n 2>/dev/null | awk '
        /^(passdb|userdb) \{/ { part = $1; args = ""; sql = 0 }
        part && $1 == "args" { args = $3 }
        part && $1 == "driver" && $3 == "sql" { sql = 1 }
        /^\}/ { if (part && sql && args) print part, args; part = "" }' | sort -u | while read -r part file; do
        for key in password_query user_query default_pass_scheme; do
            case $part-$key in passdb-user_query | userdb-password_query) continue ;; esac
            printf 'dovecot %s %s %s\n' "$key" "$file" "$(value "$key" <"$file")"
        done
        kind=$(value driver <"$file")
        connect=$(value connect <"$file")
        host=$(printf '%s' "$connect" | word host) user=$(printf '%s' "$connect" | word user)
        password=$(printf '%s' "$connect" | word password) dbname=$(printf '%s' "$connect" | word dbname)
        [ "$kind" != sqlite ] || dbname=$connect
        ask "$file"
    done
    ;;
2.4*)
    told=$(doveconf -nP 2>/dev/null)
    inside() {
        printf '%s\n' "$told" | awk -v block="$1" -v key="$2" '
            /^[^ }]/ { hit = (index($0, block) == 1) }
            hit && $1 == key { sub(/^[^=]*= */, ""); print; exit }' |
            sed '/^".*"$/ { s/^"\(.*\)"$/\1/; s/\\\(.\)/\1/g; }'
    }
    for part in passdb userdb; do
        query=$(inside "$part sql" query)
        [ -z "$query" ] || printf 'dovecot %s %s %s\n' "${part}_query" /etc/dovecot/dovecot.conf "$query"
    done
    printf 'dovecot default_pass_scheme %s %s\n' /etc/dovecot/dovecot.conf \
        "$(inside 'passdb sql' default_password_scheme)"
    kind=$(printf '%s\n' "$told" | value sql_driver)
    case $kind in
    mysql | pgsql)
        host=$(printf '%s\n' "$told" | sed -n "s/^$kind \(.*\) {\$/\1/p" | head -n 1)
        user=$(inside "$kind $host" user) password=$(inside "$kind $host" password)
        dbname=$(inside "$kind $host" dbname)
        ask /etc/dovecot/dovecot.conf
        ;;
    sqlite)
        dbname=$(printf '%s\n' "$told" | value sqlite_path) host='' user='' password=''
        ask /etc/dovecot/dovecot.conf
        ;;
    esac
    ;;
esac
