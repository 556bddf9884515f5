//! `/etc/fstab`: what is mounted at boot.

use togusa_core::prelude::*;

use crate::edits::target::{Edit, Target};
use crate::foreign;

/// An entry: one line of six fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) device: String,
    pub(super) path: String,
    pub(super) fs_type: String,
    pub(super) options: String,
    pub(super) dump: u32,
    pub(super) pass: u32,
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let mut words = line.split_whitespace();
        let mut word = || words.next();
        let (device, path, fs_type) = (word()?, word()?, word()?);
        // What may be left out has these values.
        let options = word().unwrap_or("defaults").to_owned();
        let mut number = || word().and_then(|number| number.parse().ok()).unwrap_or(0);
        let (device, path) = (unescaped(device), without_slash(unescaped(path)));
        let (dump, pass) = (number(), number());
        Some(Self { device, path, fs_type: fs_type.to_owned(), options, dump, pass })
    }

    fn line(&self) -> String {
        let Self { device, path, fs_type, options, dump, pass } = self;
        let (device, path) = (escaped(device), escaped(path));
        format!("{device}\t{path}\t{fs_type}\t{options}\t{dump}\t{pass}")
    }

    /// What differs from what is there.
    fn changes(&self, present: &Self) -> Vec<Change> {
        let fields = |it: &Self| {
            let numbers = [it.dump, it.pass].map(|number| number.to_string());
            let [dump, pass] = numbers;
            let texts = [&it.device, &it.path, &it.fs_type, &it.options].map(Clone::clone);
            texts.into_iter().chain([dump, pass]).collect::<Vec<_>>()
        };
        let names = ["device", "path", "type", "options", "dump", "pass"];
        let both = fields(present).into_iter().zip(fields(self));
        let differing = names.into_iter().zip(both).filter(|(_, (from, to))| from != to);
        differing
            .map(|(name, (from, to))| Change::property(format!("{name} in fstab"), from, to))
            .collect()
    }
}

/// A directory is the same one with a slash at its end.
pub(super) fn without_slash(path: String) -> String {
    match path.trim_end_matches('/') {
        "" => path,
        trimmed => trimmed.to_owned(),
    }
}

/// Reads what stands for blanks: `\040`.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| byte == b'\\');
        let octal = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(escaped) => {
                out.push(escaped);
                rest = &after[3..];
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        ' ' | '\t' | '\n' | '\\' => format!("\\{:03o}", u32::from(c)),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Gives the entry that is meant its fields, or takes it away. All other lines stay as they are, and
/// where they are; of several that are meant the first is kept.
fn edit(text: &str, is_meant: impl Fn(&Entry) -> bool, wanted: Option<&Entry>) -> Edit {
    let mut out = String::with_capacity(text.len());
    let mut changes = Vec::new();
    let mut left = wanted;
    for line in text.split_inclusive('\n') {
        let Some(present) = Entry::parse(line).filter(&is_meant) else {
            out.push_str(line);
            continue;
        };
        match left.take() {
            Some(wanted) if *wanted == present => out.push_str(line),
            Some(wanted) => {
                changes.extend(wanted.changes(&present));
                out.push_str(&wanted.line());
                out.push('\n');
            }
            None => {
                let what = format!("entry for {} in fstab", present.device);
                changes.push(Change::remove(what));
            }
        }
    }
    if let Some(wanted) = left {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&wanted.line());
        out.push('\n');
        changes.push(Change::create(format!("entry in fstab (options {})", wanted.options)));
    }
    Edit { text: out, changes: Some(changes) }
}

/// The file, for one of its entries.
#[derive(Debug)]
pub(super) struct Fstab {
    target: Target,
    sandboxed: bool,
}

impl Fstab {
    pub(super) fn new(scope: &mut Scope<'_>) -> Result<Self> {
        const PATH: &str = "/etc/fstab";
        let mut target = Target::new(PATH);
        target.create = true;
        target.resolve("fstab", scope)?;
        let sandboxed = target.place.path().as_str() != PATH;
        Ok(Self { target, sandboxed })
    }

    /// Whether nobody mounts what stands there.
    pub(super) fn is_sandboxed(&self) -> bool {
        self.sandboxed
    }

    pub(super) fn verify(
        &self,
        probe: &Probe<'_>,
        is_meant: impl Fn(&Entry) -> bool,
        wanted: Option<&Entry>,
    ) -> Result<Verdict> {
        self.target.verify(probe, |text| Ok(edit(text, &is_meant, wanted)))
    }

    pub(super) fn update(
        &self,
        machine: &Machine<'_>,
        is_meant: impl Fn(&Entry) -> bool,
        wanted: Option<&Entry>,
    ) -> Result {
        if self.verify(machine, &is_meant, wanted)?.is_current() {
            return Ok(());
        }
        self.target.update(machine, |text| Ok(edit(text, &is_meant, wanted)))?;
        let systemd = HostPath::new(&machine.host().name, "/run/systemd/system");
        if self.sandboxed || machine.entry(&systemd)?.is_none() {
            return Ok(());
        }
        // It made units of the old entries, and would go by them until the next boot.
        let reload = machine.run(&foreign::program("systemctl").arg("daemon-reload"));
        foreign::of_package(reload, "systemd").map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            device: "/dev/sdb1".into(),
            path: "/srv/my data".into(),
            fs_type: "ext4".into(),
            options: "noatime".into(),
            dump: 0,
            pass: 2,
        }
    }

    fn edited(text: &str, wanted: Option<&Entry>) -> (String, Vec<String>) {
        let is_meant = |entry: &Entry| entry.path == "/srv/my data";
        let once = edit(text, is_meant, wanted);
        let again = edit(&once.text, is_meant, wanted);
        assert_eq!((&again.text, again.changes), (&once.text, Some(Vec::new())));
        let changes = once.changes.unwrap().iter().map(Change::to_string).collect();
        (once.text, changes)
    }

    #[test]
    fn an_entry_is_added_changed_and_removed_and_all_else_stays() {
        let rest = "# <file system> <mount point>\n\nUUID=1  /   ext4 errors=remount-ro 0  1\n#x";
        let line = "/dev/sdb1\t/srv/my\\040data\text4\tnoatime\t0\t2\n";
        let added = edited(rest, Some(&entry()));
        assert_eq!(added.0, format!("{rest}\n{line}"));
        assert_eq!(added.1, ["create entry in fstab (options noatime)"]);

        let other = "/dev/sdc1   /srv/my\\040data xfs";
        let changed = edited(&format!("{other}\n{rest}"), Some(&entry()));
        assert_eq!(changed.0, format!("{line}{rest}"));
        assert_eq!(
            changed.1,
            [
                "device in fstab /dev/sdc1 → /dev/sdb1",
                "type in fstab xfs → ext4",
                "options in fstab defaults → noatime",
                "pass in fstab 0 → 2",
            ]
        );
        let twice = edited(&format!("{line}{rest}\n{other}\n"), Some(&entry()));
        assert_eq!(twice.0, format!("{line}{rest}\n"));
        assert_eq!(edited(&format!("{rest}\n{other}"), None).0, format!("{rest}\n"));
        let slash = "/dev/sdb1 /srv/my\\040data/ ext4 noatime 0 2\n";
        assert_eq!(edited(slash, Some(&entry())), (slash.to_owned(), Vec::new()));
        let spaced = "/dev/sdb1 /srv/my\\040data  ext4 noatime 0 2 # mine\n";
        assert_eq!(edited(spaced, Some(&entry())), (spaced.to_owned(), Vec::new()));
    }
}
