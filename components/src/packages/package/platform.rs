//! Which program looks after the packages of a platform.

use togusa_core::prelude::*;

/// A program that looks after packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Apt,
    Dnf,
    Apk,
    Pacman,
    Zypper,
    Brew,
    Pkg,
    Snap,
}

/// Platforms that are alike: what they are called together, and each by itself, as the `ID` of
/// `/etc/os-release` or the name of the system.
struct Family {
    name: &'static str,
    program: Program,
    members: &'static [&'static str],
}

const FAMILIES: &[Family] = &[
    Family {
        name: "debian",
        program: Program::Apt,
        members: &["ubuntu", "raspbian", "linuxmint", "pop", "devuan", "kali"],
    },
    Family {
        name: "fedora",
        program: Program::Dnf,
        members: &["rhel", "centos", "rocky", "almalinux", "ol", "amzn"],
    },
    Family { name: "alpine", program: Program::Apk, members: &["postmarketos"] },
    Family {
        name: "arch",
        program: Program::Pacman,
        members: &["archarm", "manjaro", "endeavouros", "cachyos"],
    },
    Family {
        name: "suse",
        program: Program::Zypper,
        members: &["opensuse", "opensuse-leap", "opensuse-tumbleweed", "sles", "sled"],
    },
    Family { name: "macos", program: Program::Brew, members: &["darwin"] },
    Family { name: "freebsd", program: Program::Pkg, members: &["dragonfly"] },
    Family { name: "ubuntu-core", program: Program::Snap, members: &[] },
];

/// A platform: the words that name it, the closest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Platform {
    pub(super) words: Vec<String>,
    pub(super) program: Program,
}

impl Platform {
    /// The platform of a name, if it is known.
    pub(super) fn named(name: &str) -> Option<Self> {
        let family = FAMILIES.iter().find(|it| it.name == name || it.members.contains(&name))?;
        let mut words = vec![name.to_owned(), family.name.to_owned()];
        words.dedup();
        Some(Self { words, program: family.program })
    }

    /// The platform of a host, by its facts, and by what its distribution says that it is like.
    pub(super) fn of(probe: &Probe<'_>) -> Result<Option<Self>> {
        let release = probe.facts().release.to_ascii_lowercase();
        let id = release.split(' ').next().unwrap_or_default();
        if let Some(platform) = Self::named(id) {
            return Ok(Some(platform));
        }
        let path = HostPath::new(&probe.host().name, "/etc/os-release");
        if probe.entry(&path)?.is_none() {
            return Ok(None);
        }
        let like = like(&probe.read_to_string(&path)?);
        Ok(like.iter().find_map(|name| Self::named(name)).map(|mut platform| {
            platform.words.insert(0, id.to_owned());
            platform
        }))
    }

    /// All names that are known.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        FAMILIES.iter().flat_map(|it| std::iter::once(it.name).chain(it.members.iter().copied()))
    }
}

/// What a distribution says that it is like, the closest first.
fn like(os_release: &str) -> Vec<String> {
    let line = os_release.lines().find_map(|line| line.strip_prefix("ID_LIKE="));
    let words = line.unwrap_or_default().trim_matches(['"', '\'']).split_whitespace();
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_known_by_its_name_or_its_family() {
        let words = |name| Platform::named(name).map(|it| it.words.join(" "));
        assert_eq!(words("debian").as_deref(), Some("debian"));
        assert_eq!(words("rocky").as_deref(), Some("rocky fedora"));
        assert_eq!(words("staging"), None);
        let programs = Platform::names().map(|name| Platform::named(name).unwrap().program);
        assert_eq!(programs.filter(|it| *it == Program::Zypper).count(), 6);
    }

    #[test]
    fn a_distribution_says_what_it_is_like() {
        // `/etc/os-release` of openSUSE Leap 15.5 and of Ubuntu 22.04, shortened.
        assert_eq!(like("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n"), ["suse", "opensuse"]);
        assert_eq!(like("NAME=\"Ubuntu\"\nID_LIKE=debian\n"), ["debian"]);
        assert_eq!(like("ID=debian\n"), [""; 0]);
    }
}
