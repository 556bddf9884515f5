n=$a/.push-$t;
set -f;
fail() { set -- $*; printf '%s\n' "$t fail $*"; exit 1; };
trap 'if [ -e "$n" ]; then rm -f "$n"; fi' EXIT;
trap 'exit 1' HUP INT PIPE TERM;
read -r w z || exit 1;
if [ "$w" != "$d" ]; then
    d=$w; p=$a/$d;
    if [ "$5" = - ] && [ -s "$p" ] && [ -x "$p" ] && [ -O "$p" ]; then
        echo "$t have"; exec "$p" agent --digest "$d";
    fi;
    echo "$t send";
fi;
for x in head gzip; do command -v $x >/dev/null || fail missing $x; done;
own() {
    set --;
    for x in "$s" "$s/agents" "$a"; do
        [ -e "$x" ] || continue;
        [ -O "$x" ] || fail owner "$x";
        set -- "$@" "$x/.";
    done;
    [ $# = 0 ] && return;
    case $(ls -ld "$@") in *d????w*|*d???????w*)
        for x; do
            case $(ls -ld "$x") in d????w*|d???????w*) fail open "${x%/.}";; esac;
        done;;
    esac;
};
own;
if ! [ -d "$a" ]; then
    e=$(umask 077; LC_ALL=C mkdir -p "$a" 2>&1) || fail store "$e";
    own;
fi;
e=$(umask 077; export LC_ALL=C; { head -c "$z" | gzip -dc >"$n" && chmod 700 "$n"; } 2>&1) ||
    fail write "$e";
[ -x "$n" ] || fail noexec "$n: Permission denied";
echo "$t have";
"$n" agent --digest "$d" --uploaded "$n";
exit
