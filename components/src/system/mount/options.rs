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

/// What of the options differs. Unasked switches count too, but where a mount takes them over from
/// another one.
pub(super) fn differing(wanted: &[String], mounted: &Mounted, is_bind: bool) -> Vec<Change> {
    let is_set = |name: &str| mounted.options.iter().any(|option| option == name);
    let takes_over = is_bind
        || mounted.fs_type.starts_with("fuse")
        || wanted.iter().any(|option| IMPLYING.contains(&&**option));
    let mut changes = Vec::new();
    for (on, off) in SWITCHES {
        // The last one counts.
        let asked = wanted.iter().rev().find(|option| **option == on || **option == off);
        let wants = match asked {
            Some(asked) => asked == on,
            None if takes_over => continue,
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

/// Whether two values of an option are one.
fn same(name: &str, present: &str, wanted: &str) -> bool {
    if present == wanted {
        return true;
    }
    if name == "mode" {
        let octal = |text: &str| u32::from_str_radix(text, 8).ok();
        return octal(present).is_some() && octal(present) == octal(wanted);
    }
    let size = |text: &str| size::parse(text);
    // A share of the memory is shown as a number, which changes with the memory.
    wanted.ends_with('%') || (size(present).is_some() && size(present) == size(wanted))
}

/// The options with the opposite of each switch that is not asked for: what is mounted again keeps
/// what nobody takes away.
pub(super) fn in_full(wanted: &[String]) -> String {
    let asked = |name: &str| wanted.iter().any(|option| option == name);
    let unasked = SWITCHES.iter().filter(|(on, off)| !asked(on) && !asked(off));
    let implied = wanted.iter().any(|option| IMPLYING.contains(&&**option));
    // `nodirsync` is not a word of all kernels.
    let off = unasked.map(|(_, off)| *off).filter(|off| !implied && *off != "nodirsync");
    let all: Vec<_> = off.chain(wanted.iter().map(String::as_str)).collect();
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
        assert_eq!(differ(&["size=2M", "mode=700"], "rw", memory, false), changed);
    }

    #[test]
    fn what_is_mounted_again_loses_what_is_not_asked_for() {
        let full = |wanted: &[&str]| {
            in_full(&wanted.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(full(&["ro", "noexec"]), "suid,dev,atime,diratime,async,ro,noexec");
        assert_eq!(full(&["user"]), "user");
    }
}
