# Makes the files of one host, below the working directory: an overlay over the machine's own root.
set -eu
name=$1
mkdir up work root
chmod 755 up

# Of the machine, a host sees the installed system; what else lies there is none of its business.
for entry in /* /.[!.]*; do
    case $entry in
        /bin | /boot | /dev | /etc | /lib* | /opt | /proc | /sbin | /sys | /usr | /var) ;;
        *) if [ -e "$entry" ]; then mknod "up$entry" c 0 0; fi ;;
    esac
done
mkdir up/var
mknod up/var/tmp c 0 0
mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/up,workdir=$PWD/work" root
cd root
mkdir -p home mnt proc root run srv sys tmp var/tmp
chmod 700 root
chmod 1777 tmp var/tmp
cp -a etc/skel/. root/

echo "$name" >etc/hostname
sed -i 's/^hosts:.*/hosts: files/' etc/nsswitch.conf
rm -f etc/resolv.conf etc/ssh/ssh_host_* etc/sudoers.d/*
: >etc/resolv.conf
ssh-keygen -q -t ed25519 -N '' -C "$name" -f etc/ssh/ssh_host_ed25519_key
mkdir -p etc/ssh/authorized_keys
cp "$HOME/.ssh/id_ed25519.pub" etc/ssh/authorized_keys/root
cat >etc/sudoers <<'RULES'
Defaults env_reset, use_pty
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
RULES

# add_user NAME SHELL
add_user() {
    chroot . useradd -m -s "$2" -p '*' "$1"
}

# A key alone lets a user in: add_key NAME
add_key() {
    cp "$HOME/.ssh/id_ed25519.pub" "etc/ssh/authorized_keys/$1"
}

home_of() {
    chroot . getent passwd "$1" | cut -d: -f6
}

# Says TEXT before any command of the user: add_banner NAME SHELL TEXT
add_banner() {
    home=$(home_of "$1")
    case $2 in
        */bash) at_start=".bashrc" ;;
        */zsh) at_start=".zshenv" ;;
        # Without a file that such a shell reads for a command, sshd has one.
        *) at_start=".ssh/rc" && mkdir -p -m 700 ".$home/.ssh" ;;
    esac
    touch ".$home/$at_start"
    { printf "echo '%s'\n" "$3"; cat ".$home/$at_start"; } >"../$1.start"
    cat "../$1.start" >".$home/$at_start"
    chown -R "$(stat -c %u:%g ".$home")" ".$home/.ssh" ".$home/$at_start" 2>/dev/null || :
}

# place PATH, where PATH may begin with ~USER
place() {
    case $1 in
        "~"*/*) user=${1%%/*} && echo ".$(home_of "${user#?}")/${1#*/}" ;;
        "~"*) echo ".$(home_of "${1#?}")" ;;
        *) echo ".$1" ;;
    esac
}

# A file system of its own, with what was there before: small PATH MEGABYTES
small() {
    at=$(place "$1")
    mkdir -p "$at" ../before
    cp -a "$at/." ../before/
    mount -t tmpfs -o "size=$2m,mode=$(stat -c %a "$at"),uid=$(stat -c %u "$at"),gid=$(stat -c %g "$at")" tmpfs "$at"
    cp -a ../before/. "$at/"
    rm -rf ../before
}

# restrict PATH OPTION
restrict() {
    at=$(place "$1")
    mkdir -p "$at"
    mountpoint -q "$at" || mount --bind "$at" "$at"
    mount -o "remount,bind,$2" "$at"
}
