//! What the machine must have for a lab.

use std::collections::BTreeSet;
use std::path::Path;

use nix::unistd::Uid;
use togusa_core::system;

/// Programs, and the packages of Debian that have them. `tests/run` installs them.
const PROGRAMS: [(&str, &str); 15] = [
    ("awk", "mawk"),
    ("bash", "bash"),
    ("busybox", "busybox"),
    ("hostname", "hostname"),
    ("ip", "iproute2"),
    ("mount", "mount"),
    ("nft", "nftables"),
    ("pgrep", "procps"),
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
    if let Some(missing) = missing(&path()) {
        panic!("{missing}");
    }
}

fn missing(path: &str) -> Option<String> {
    let exists =
        |program: &str| path.split(':').any(|place| Path::new(place).join(program).exists());
    let missing = PROGRAMS.into_iter().filter(|(program, _)| !exists(program));
    let (programs, packages): (Vec<_>, BTreeSet<_>) = missing.unzip();
    if programs.is_empty() {
        return None;
    }
    let packages = packages.into_iter().collect::<Vec<_>>().join(" ");
    Some(format!(
        "a lab needs `{}`; install with: apt-get install -y --no-install-recommends {packages}",
        programs.join("`, `")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_installs_what_is_missing_is_told() {
        let directory = tempfile::tempdir().unwrap();
        for (program, _) in PROGRAMS.iter().filter(|(_, package)| *package != "util-linux") {
            std::fs::write(directory.path().join(program), "").unwrap();
        }
        let place = directory.path().display().to_string();
        let expected = "a lab needs `pivot_root`, `unshare`; install with: apt-get install -y \
                        --no-install-recommends util-linux";
        assert_eq!(missing(&format!("/nowhere:{place}")).as_deref(), Some(expected));
        assert_eq!(missing(&path()), None);
    }
}
