# Starts sshd and waits until it listens.
rm -f /run/sshd.pid
/usr/sbin/sshd -D -E /var/log/sshd.log </dev/null >/dev/null 2>&1 &
until [ -s /run/sshd.pid ]; do
    kill -0 $! 2>/dev/null || { tail -n 5 /var/log/sshd.log >&2 && exit 1; }
    sleep 0.01
done
