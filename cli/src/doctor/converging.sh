# What there is for the user that converges: tools, the store, the target directory, its lock.
# Where a directory can be written is found out by a file that is removed at once.
look() {
    t=$1 s=$2 g=$3 p=$4 f=
    LC_ALL=C
    export LC_ALL
    set -f
    say user "$(id -un)"
    trap 'if [ -n "$f" ]; then rm -f "$f"; fi' EXIT
    trap 'exit 1' HUP INT PIPE TERM
    place "$s"; s=$d
    place "$g"; g=$d
    # Nothing is pushed to a host that is this machine.
    if [ "$p" != - ]; then
        for x in head gzip mkdir chmod mv ls rm; do has "$x" || say fail missing "$x"; done
        own "$s" "$s/agents" "$s/agents/$p"
        try store "$s" run
        set +f
        for x in "$s/agents/$p"/*; do
            if [ -s "$x" ] && [ -x "$x" ] && [ -O "$x" ]; then say agent "${x##*/}"; fi
        done
        set -f
    else
        try store "$s"
    fi
    try target "$g"
    x=$g/.togusa
    if [ -r "$x/identity.json" ]; then say identity "$(cat "$x/identity.json")"; fi
    if [ -r "$x/holder.json" ]; then
        h=$(cat "$x/holder.json")
        n=${h#*\"pid\":}
        n=${n%%[!0-9]*}
        # One that was killed has left its name behind.
        if [ -n "$n" ] && [ -d "/proc/$n" ] && ! free "$x/lock"; then say holder "$h"; fi
    fi
    say done
}
say() { printf '%s %s\n' "$t" "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }
# Where nothing tells, the lock counts as held.
free() { has flock && flock -n -s "$1" true; }
place() {
    case $1 in
        "~" | "~/"*) d=${HOME%/}${1#?} ;;
        /*) d=$1 ;;
        *) d=${HOME%/}/$1 ;;
    esac
}
own() {
    for x; do
        [ -e "$x" ] || continue
        if ! [ -O "$x" ]; then
            say fail owner "$x"
            continue
        fi
        case $(ls -ld "$x/.") in d????w* | d???????w*) say fail open "$x" ;; esac
    done
}
# try KIND PATH: whether the directory, or the nearest one above it, can be written.
try() {
    d=$2
    until [ -e "$d" ] || [ -z "$d" ]; do d=${d%/*}; done
    d=${d:-/}
    say "$1" "$d"
    if ! [ -d "$d" ]; then
        say fail "file-$1" "$d"
        return
    fi
    df -Pk "$d" | { read -r x; read -r x x x b x; say "$1-space" "$b"; }
    f=${d%/}/.togusa-$t
    if e=$( { umask 077; printf '#!/bin/sh\n' | cat >"$f" && chmod 700 "$f"; } 2>&1); then
        if [ "$3" = run ]; then e=$("$f" 2>&1) || say fail noexec "$e"; fi
    else
        say fail "write-$1" "$e"
    fi
    rm -f "$f"
    f=
}
look "$@" </dev/null
