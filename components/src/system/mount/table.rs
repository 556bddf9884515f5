//! What is mounted.

use togusa_core::host::Snapshot;
use togusa_core::prelude::*;

use crate::system::fstab::unescaped;
use crate::system::paths::without_dots;

/// All that is mounted, the oldest first.
pub(super) struct Table(Vec<Mounted>);

/// A line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    /// The number of the file system.
    device: String,
    /// What of the file system is seen there.
    root: String,
    pub(super) path: String,
    pub(super) fs_type: String,
    pub(super) source: String,
    /// Those of the mount, and those of the file system.
    pub(super) options: Vec<String>,
}

impl Mounted {
    fn parse(line: &str) -> Option<Self> {
        let (of_mount, of_fs) = line.split_once(" - ")?;
        let mut of_mount = of_mount.split(' ').skip(2);
        let (device, root, path) = (of_mount.next()?, of_mount.next()?, of_mount.next()?);
        let own = of_mount.next()?;
        let mut of_fs = of_fs.split(' ');
        let (fs_type, source, fs) = (of_fs.next()?, of_fs.next()?, of_fs.next()?);
        Some(Self {
            device: device.to_owned(),
            root: unescaped(root),
            path: unescaped(path),
            fs_type: fs_type.to_owned(),
            source: unescaped(source),
            options: own.split(',').chain(fs.split(',')).map(str::to_owned).collect(),
        })
    }

    /// What is mounted, for messages.
    pub(super) fn shown(&self) -> String {
        match &*self.root {
            "/" => self.source.clone(),
            root => format!("{}[{root}]", self.source),
        }
    }
}

impl Snapshot for Table {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let path = HostPath::new(&probe.host().name, "/proc/self/mountinfo");
        Ok(Self::parse(&probe.read_to_string(&path)?))
    }
}

impl Table {
    pub(super) fn parse(text: &str) -> Self {
        let all = text.lines().filter_map(Mounted::parse);
        // With it nothing is mounted yet, but when somebody looks.
        Self(all.filter(|mounted| mounted.fs_type != "autofs").collect())
    }

    /// What is seen in a place: the youngest of all that are mounted there.
    pub(super) fn at(&self, path: &str) -> Option<&Mounted> {
        self.0.iter().rev().find(|mounted| mounted.path == path)
    }

    /// Whether a mount shows what lies at a path.
    pub(super) fn is_bound(&self, mounted: &Mounted, from: &str) -> bool {
        let from = without_dots(from);
        let below = |mounted: &&Mounted| rest(&from, &mounted.path).is_some();
        // The youngest of the deepest is the one that a path leads into.
        let Some(source) = self.0.iter().filter(below).max_by_key(|it| it.path.len()) else {
            return false;
        };
        let rest = rest(&from, &source.path).unwrap_or_default();
        let root = without_dots(&format!("{}/{rest}", source.root));
        source.device == mounted.device && root == mounted.root
    }
}

/// What of a path lies below another.
fn rest<'a>(path: &'a str, above: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(above.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// Whether a file system that is mounted is of a type, as `mount` takes that: some are mounted by a
/// helper, and some are shown with their version.
pub(super) fn is_type(mounted: &str, wanted: &str) -> bool {
    mounted == wanted
        || mounted.strip_prefix("fuse.") == Some(wanted)
        // Which helper it is, is not told.
        || ["fuse", "fuseblk"].contains(&mounted)
        || [("nfs4", "nfs"), ("cifs", "smb3"), ("smb3", "cifs")].contains(&(mounted, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cat /proc/self/mountinfo` of Linux 6.18, in a mount namespace, shortened.
    const RECORDED: &str = "\
        23 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
        30 23 0:26 / /tmp/a\\040b rw,nosuid,relatime shared:7 master:1 - tmpfs tmpfs rw,size=1024k,mode=750\n\
        31 23 254:0 /srv/data/www /srv/www ro,noatime - ext4 /dev/vda rw\n\
        32 23 7:0 / /mnt rw,relatime - ext4 /dev/loop0 rw\n\
        33 32 0:27 / /mnt rw,relatime - tmpfs over rw\n\
        34 23 0:28 / /net rw,relatime - autofs systemd-1 rw,fd=57,pgrp=1,direct\n";

    #[test]
    fn what_is_mounted_is_read() {
        let table = Table::parse(RECORDED);
        let memory = table.at("/tmp/a b").unwrap();
        assert_eq!((&*memory.fs_type, &*memory.source), ("tmpfs", "tmpfs"));
        let options = ["rw", "nosuid", "relatime", "rw", "size=1024k", "mode=750"];
        assert_eq!(memory.options, options);
        assert_eq!(table.at("/mnt").unwrap().source, "over");
        assert_eq!(table.at("/srv"), None);
        assert_eq!(table.at("/net"), None);
        assert_eq!(table.at("/srv/www").unwrap().shown(), "/dev/vda[/srv/data/www]");
    }

    #[test]
    fn a_bind_is_known_by_what_it_shows() {
        let table = Table::parse(RECORDED);
        let bound = table.at("/srv/www").unwrap();
        for (from, same) in [
            ("/srv/data/www", true),
            ("/srv/data/./x/../www/", true),
            ("/srv/data", false),
            ("/mnt/srv/data/www", false),
        ] {
            assert_eq!(table.is_bound(bound, from), same, "{from}");
        }
    }

    #[test]
    fn a_type_may_be_shown_otherwise_than_it_is_written() {
        for (mounted, wanted, same) in [
            ("ext4", "ext4", true),
            ("ext4", "xfs", false),
            ("nfs4", "nfs", true),
            ("nfs", "nfs4", false),
            ("fuse.sshfs", "sshfs", true),
            ("fuse.sshfs", "fuse.sshfs", true),
            ("fuse.sshfs", "glusterfs", false),
            ("fuseblk", "ntfs-3g", true),
            ("cifs", "smb3", true),
        ] {
            assert_eq!(is_type(mounted, wanted), same, "{mounted} {wanted}");
        }
    }
}
