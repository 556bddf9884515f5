cd 2>/dev/null || cd /;
exec 3<&0 </dev/null;
{ trap '' TERM; read -r x <&3; kill -TERM 0; sleep 5; kill -KILL 0; } >/dev/null 2>&1 &
w=$!;
exec 3<&-;
trap : TERM;
(exec "$@");
c=$?;
kill -KILL $w 2>/dev/null;
exit $c
