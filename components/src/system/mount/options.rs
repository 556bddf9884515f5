//! Options of mounts, as the kernel shows them.

use togusa_core::prelude::*;

use super::table::Mounted;
use crate::system::size;

/// Switches of any mount: what sets it, and what takes it away again.
const SWITCHES: [(&str, &str); 8] = [
    ("ro", "rw"),
    ("nosuid", "suid"),
    ("nodev", "dev"),
    ("noexec", "exec"),
    ("noatime", "atime"),
    ("nodiratime", "diratime"),
    ("sync", "async"),
    ("dirsync", "nodirsync"),
];

/// With these a mount has switches that nobody wrote.
const IMPLYING: [&str; 4] = ["user", "users", "owner", "group"];

/// What nobody can write to, whatever is asked for.
const READ_ONLY: [&str; 5] = ["iso9660", "squashfs", "erofs", "cramfs", "romfs"];

/// What both sides of a share agree on.
const AGREED: [&str; 2] = ["rsize", "wsize"];

/// Whether a switch that nobody asked for stays as it is: a mount may take it over from another one,
/// or from what it is made of.
fn stays(switch: &str, wanted: &[String], mounted: &Mounted, is_bind: bool) -> bool {
    is_bind
        || mounted.fs_type.starts_with("fuse")
        || wanted.iter().any(|option| IMPLYING.contains(&&**option))
        || switch == "ro" && READ_ONLY.contains(&&*mounted.fs_type)
}

/// What of the options differs. Unasked switches count too, but those that stay as they are.
pub(super) fn differing(wanted: &[String], mounted: &Mounted, is_bind: bool) -> Vec<Change> {
    let is_set = |name: &str| mounted.options.iter().any(|option| option == name);
    let mut changes = Vec::new();
    for (on, off) in SWITCHES {
        // The last one counts.
        let asked = wanted.iter().rev().find(|option| **option == on || **option == off);
        let wants = match asked {
            Some(asked) => asked == on,
            None if stays(on, wanted, mounted, is_bind) => continue,
            None => false,
        };
        if wants != is_set(on) {
            let (from, to) = if wants { (off, on) } else { (on, off) };
            changes.push(Change::property("mounted", from, to));
        }
    }
    for (name, value) in wanted.iter().filter_map(|option| option.split_once('=')) {
        let shown = mounted.options.iter().filter_map(|option| option.split_once('='));
        let Some((_, present)) = shown.into_iter().find(|(shown, _)| *shown == name) else {
            continue;
        };
        if !same(name, present, value) {
            changes.push(Change::property(format!("mounted {name}"), present, value));
        }
    }
    changes
}

/// Whether two values of an option are one. The kernel shows some in its own way, and some with more
/// than was said: `compress=zstd:3`, `vers=4.2`.
fn same(name: &str, present: &str, wanted: &str) -> bool {
    let more = present.strip_prefix(wanted).is_some_and(|rest| rest.starts_with([':', '.']));
    if present == wanted || more {
        return true;
    }
    match name {
        "mode" | "fmask" | "dmask" => {
            let octal = |text: &str| u32::from_str_radix(text, 8).ok();
            return octal(present).is_some() && octal(present) == octal(wanted);
        }
        "subvol" => return present.trim_start_matches('/') == wanted.trim_start_matches('/'),
        // It is shown as a number.
        "uid" | "gid" if wanted.parse::<u32>().is_err() => return true,
        _ if AGREED.contains(&name) => return true,
        _ => {}
    }
    let size = |text: &str| size::parse(text);
    // A share of the memory is shown as a number, which changes with the memory.
    wanted.ends_with('%') || (size(present).is_some() && size(present) == size(wanted))
}

/// The options with the opposite of each switch that is not asked for: what is mounted again keeps
/// what nobody takes away, and loses what stays and is not said.
pub(super) fn in_full(wanted: &[String], mounted: &Mounted, is_bind: bool) -> String {
    let is_in = |options: &[String], name: &str| options.iter().any(|option| option == name);
    let unasked = SWITCHES.iter().filter(|(on, off)| !is_in(wanted, on) && !is_in(wanted, off));
    let said = unasked.filter_map(|(on, off)| match stays(on, wanted, mounted, is_bind) {
        true => is_in(&mounted.options, on).then_some(*on),
        // `nodirsync` is not a word of all kernels.
        false => Some(*off).filter(|off| *off != "nodirsync"),
    });
    let all: Vec<_> = said.chain(wanted.iter().map(String::as_str)).collect();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::mount::table::Table;

    fn differ(wanted: &[&str], own: &str, fs: &str, is_bind: bool) -> Vec<String> {
        let table = Table::parse(&format!("1 2 0:1 / /x {own} - tmpfs tmpfs {fs}\n"));
        let wanted: Vec<_> = wanted.iter().map(|option| (*option).to_owned()).collect();
        let changes = differing(&wanted, table.at("/x").unwrap(), is_bind);
        changes.iter().map(Change::to_string).collect()
    }

    #[test]
    fn options_are_compared_as_far_as_they_are_shown() {
        let none: [&str; 0] = [];
        assert_eq!(differ(&[], "rw,relatime", "rw", false), none);
        assert_eq!(differ(&["noexec", "nofail"], "rw,noexec", "rw", false), none);
        assert_eq!(differ(&["noexec"], "rw,relatime", "rw", false), ["mounted exec → noexec"]);
        assert_eq!(differ(&["defaults"], "ro,nosuid", "rw", false).len(), 2);
        assert_eq!(differ(&[], "ro,nosuid", "rw", true), none);
        assert_eq!(differ(&["bind", "ro"], "rw", "rw", true), ["mounted rw → ro"]);
        assert_eq!(differ(&["ro", "rw"], "ro", "rw", false), ["mounted ro → rw"]);
        let memory = "rw,size=1024k,mode=750,nr_inodes=5";
        assert_eq!(differ(&["size=1M", "mode=0750", "x=1"], "rw", memory, false), none);
        assert_eq!(differ(&["size=10%"], "rw", memory, false), none);
        let changed = ["mounted size 1024k → 2M", "mounted mode 750 → 700"];
        let btrfs = "rw,compress=zstd:3,subvolid=256,subvol=/@home";
        assert_eq!(differ(&["compress=zstd", "subvol=@home"], "rw", btrfs, false), none);
        assert_eq!(differ(&["compress=lzo"], "rw", btrfs, false).len(), 1);
        assert_eq!(differ(&["subvol=@"], "rw", btrfs, false).len(), 1);
        let share = "rw,vers=4.2,rsize=262144,uid=1000";
        assert_eq!(differ(&["vers=4", "rsize=1048576", "uid=deploy"], "rw", share, false), none);
        assert_eq!(differ(&["vers=3", "uid=1001"], "rw", share, false).len(), 2);
        assert_eq!(differ(&["size=2M", "mode=700"], "rw", memory, false), changed);
    }

    #[test]
    fn what_is_mounted_again_loses_what_is_not_asked_for() {
        let full = |wanted: &[&str], own: &str, is_bind: bool| {
            let table = Table::parse(&format!("1 2 0:1 / /x {own} - ext4 /dev/sda rw\n"));
            let wanted: Vec<_> = wanted.iter().map(|option| (*option).to_owned()).collect();
            in_full(&wanted, table.at("/x").unwrap(), is_bind)
        };
        let expected = "suid,dev,atime,diratime,async,ro,noexec";
        assert_eq!(full(&["ro", "noexec"], "rw,nosuid", false), expected);
        assert_eq!(full(&["user"], "rw", false), "user");
        // What a second place has of the first is kept.
        assert_eq!(full(&["bind", "ro"], "rw,nosuid,nodev", true), "nosuid,nodev,bind,ro");
    }

    #[test]
    fn what_is_read_only_by_itself_is_as_it_should_be() {
        let table = Table::parse("1 2 7:0 / /x ro,noatime - squashfs /dev/loop0 ro\n");
        let mounted = table.at("/x").unwrap();
        let changes = differing(&[], mounted, false);
        assert_eq!(
            changes.iter().map(Change::to_string).collect::<Vec<_>>(),
            ["mounted noatime → atime"]
        );
        assert_eq!(in_full(&[], mounted, false), "ro,suid,dev,exec,atime,diratime,async");
    }
}
