n=$a/.push-$t;
u=$(umask);
umask 077;
set -f;
fail() { set -- $*; printf '%s\n' "$t fail $*"; exit 1; };
run() { umask "$u"; echo "$t have"; exec "$p" agent --digest "$d"; };
trap 'rm -f "$n"' EXIT;
trap 'exit 1' HUP INT PIPE TERM;
read -r w z || exit 1;
if [ "$w" != "$d" ]; then
    d=$w; p=$a/$d;
    if [ "$5" = - ] && [ -s "$p" ] && [ -x "$p" ] && [ -O "$p" ]; then run; fi;
    echo "$t send";
fi;
for x in head gzip; do command -v $x >/dev/null || fail missing $x; done;
own() { for x in "$s" "$s/agents" "$a"; do
    [ -e "$x" ] || continue;
    [ -O "$x" ] || fail owner "$x";
    case $(ls -ld "$x/.") in d????w*|d???????w*) fail open "$x";; esac;
done; };
own;
e=$(LC_ALL=C mkdir -p "$a" 2>&1) || fail store "$e";
own;
e=$(export LC_ALL=C; { echo : | cat >"$n"; } 2>&1 && chmod 700 "$n" 2>&1) || fail write "$e";
e=$(export LC_ALL=C; "$n" 2>&1) || fail noexec "$e";
e=$(export LC_ALL=C; { head -c "$z" | gzip -dc >"$n"; } 2>&1) || fail write "$e";
if command -v sha256sum >/dev/null; then h=$(sha256sum <"$n");
elif command -v shasum >/dev/null; then h=$(shasum -a 256 <"$n");
elif command -v openssl >/dev/null; then h=$(openssl dgst -sha256 -r <"$n");
else h=$d; fi;
[ "${h%% *}" = "$d" ] || fail digest "${h%% *}";
e=$(LC_ALL=C mv -f "$n" "$p" 2>&1) || fail write "$e";
run
