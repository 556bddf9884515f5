//! What the machine must have for a lab.

use std::path::Path;

use nix::unistd::Uid;
use togusa_core::system;

/// Programs, and the packages of Debian that have them. `tests/run` installs them.
const PROGRAMS: [(&str, &str); 14] = [
    ("awk", "mawk"),
    ("bash", "bash"),
    ("busybox", "busybox"),
    ("hostname", "hostname"),
    ("ip", "iproute2"),
    ("mount", "mount"),
    ("nft", "nftables"),
    ("pivot_root", "util-linux"),
    ("ssh", "openssh-client"),
    ("sshd", "openssh-server"),
    ("sudo", "sudo"),
    ("unshare", "util-linux"),
    ("useradd", "passwd"),
    ("zsh", "zsh"),
];

/// Where programs are looked for: as the test itself does, and where those of root lie.
pub(super) fn path() -> String {
    let path = system::variable("PATH").unwrap_or_default();
    format!("{path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")
}

/// Panics with the command that installs what is missing.
pub(super) fn check() {
    assert!(Uid::effective().is_root(), "a lab needs namespaces: run the tests as root");
    let path = path();
    let exists =
        |program: &str| path.split(':').any(|place| Path::new(place).join(program).exists());
    let missing: Vec<_> = PROGRAMS.into_iter().filter(|(program, _)| !exists(program)).collect();
    let programs: Vec<_> = missing.iter().map(|(program, _)| *program).collect();
    let mut packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    assert!(
        missing.is_empty(),
        "a lab needs `{}`; install with: apt-get install -y --no-install-recommends {}",
        programs.join("`, `"),
        packages.join(" ")
    );
}
