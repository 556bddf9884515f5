# The first process of a lab, in namespaces of its own. It ends, and all others with it, as soon as
# nobody holds the other end of its standard input.
set -eu
exec 3<&0 </dev/null
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lab/etc /run/lab/hosts /run/netns /run/lock /run/sshd
mkdir -p -m 700 /run/lab/home /run/lab/home/.ssh
mkdir -p /run/user && mkdir -m 700 /run/user/0

# ssh asks the list of users, not the environment, where the home directory is.
awk -F: -v OFS=: '$3 == 0 { $6 = "/run/lab/home" } { print }' /etc/passwd >/run/lab/etc/passwd
sed 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf >/run/lab/etc/nsswitch.conf
: >/run/lab/etc/hosts
for file in passwd nsswitch.conf hosts; do
    mount --bind "/run/lab/etc/$file" "/etc/$file"
done

ssh-keygen -q -t ed25519 -N '' -C coordinator -f /run/lab/home/.ssh/id_ed25519
echo up
exec >/dev/null 2>&1
# `wait` also takes leave of every orphan of the lab.
cat <&3 &
wait $!
