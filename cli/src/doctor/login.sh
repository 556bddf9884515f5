# What a host says of itself to whoever logs in. The other script, $6, goes on as the user that
# converges. Every answer is a line: the tag, a word, and the rest.
t=$1 u=$2
say() { printf '%s %s\n' "$t" "$*"; }
say clock "$(date +%s.%N)"
LC_ALL=C
export LC_ALL
line() { IFS= read -r l || :; printf %s "$l"; }
has() { command -v "$1" >/dev/null 2>&1; }
say login "$(id -un)"
say system "$(uname -s)"
say machine "$(uname -m)"
say kernel "$(uname -r)"
say hostname "$(uname -n)"
say release "$(. /etc/os-release && printf %s "$ID${VERSION_ID:+ $VERSION_ID}")"
say distribution "$(. /etc/os-release && printf %s "$PRETTY_NAME")"
say cores "$(nproc || getconf _NPROCESSORS_ONLN)"
say memory "$(while read -r k v l; do [ "$k" != MemTotal: ] || printf %s "$v"; done </proc/meminfo)"
say shell "$SHELL"
if has ssh; then say openssh "$(ssh -V 2>&1 | line)"; fi
if has sudo; then say sudo "$(sudo -V | line)"; fi
if has ip; then
    ip -o addr show scope global | while read -r n d f a l; do say address "${a%/*}"; done
fi
# The script does not stand on the command line, which sudo puts into its log.
as() { if [ "$u" = - ]; then sh -s "$@"; else sudo -n -H -u "$u" -- sh -s "$@"; fi; }
exec 3>&1
e=$(printf '%s\n' "$6" | as "$t" "$3" "$4" "$5" 2>&1 >&3)
c=$?
if [ -n "$e" ]; then printf '%s\n' "$e" | while IFS= read -r l; do say said "$l"; done; fi
say end "$c"
