//! Datasets of ZFS.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::size;
use crate::foreign;
use crate::privilege::require_root;

/// To destroy much may take long.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// A file system, or with a size a volume, of ZFS.
///
/// | attribute | default |
/// |---|---|
/// | `volume` | it is a file system; else a volume of this size |
/// | `property` | none: those that it has, or inherits, are left as they are |
/// | `inherited` | none: properties of its own that are set here are left |
/// | `absent` | no; else it is destroyed, which fails if it has snapshots or others below it |
/// | `recursive` | no; else all that is below it is destroyed with it |
///
/// The pool must be there; datasets above that are missing are made. Sizes may be written as `10G`.
///
/// `verify` asks `zfs get` once for all datasets of the host. `update` runs `zfs`, of the package
/// `zfsutils-linux`, and needs root. The output that this reads is as `man zfs-get` describes it: no
/// host with ZFS was at hand to record or try it on.
///
/// In a sandbox it is the same as without: a pool has no place in one.
///
/// **Needs**: root; `zfs`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let data = ZfsDataset::new("tank/data").property("compression", "lz4");
///     scope.add(data.property("quota", "100G").property("mountpoint", "/srv/data"));
///     scope.add(ZfsDataset::new("tank/disk0").volume("20G").inherited("compression"));
///     scope.add(ZfsDataset::new("tank/old").absent().recursive());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct ZfsDataset {
    name: String,
    volume: Option<String>,
    properties: BTreeMap<String, String>,
    inherited: BTreeSet<String>,
    absent: bool,
    recursive: bool,
}

/// The properties of each dataset: value and where it comes from.
struct Datasets(BTreeMap<String, BTreeMap<String, Property>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Property {
    value: String,
    /// `local`, `default`, `inherited from …`, `-` of what cannot be set.
    source: String,
}

impl Snapshot for Datasets {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let get =
            ["get", "-Hp", "-t", "filesystem,volume", "-o", "name,property,value,source", "all"];
        let output = zfs(probe.query(&foreign::program("zfs").args(get)))?;
        demand!(
            !output.truncated,
            code::DEFECT,
            "what `zfs get` tells of all datasets is too long"
        );
        Ok(Self::parse(&output.stdout_text()))
    }
}

impl Datasets {
    /// Reads what `zfs get -Hp` prints: four fields with tabs between them.
    fn parse(text: &str) -> Self {
        let mut datasets = BTreeMap::<String, BTreeMap<_, _>>::new();
        for line in text.lines() {
            let fields: Vec<_> = line.split('\t').collect();
            let [name, property, value, source] = fields[..] else { continue };
            let read = Property { value: value.to_owned(), source: source.to_owned() };
            datasets.entry(name.to_owned()).or_default().insert(property.to_owned(), read);
        }
        Self(datasets)
    }
}

/// Whether two values are one: sizes are told as a number, and no limit as 0.
fn same(present: &str, wanted: &str) -> bool {
    let number = |text: &str| if text == "none" { Some(0) } else { size::parse(text) };
    present == wanted || (number(present).is_some() && number(present) == number(wanted))
}

/// Says of a `zfs` that cannot work what is missing.
fn zfs<T>(result: Result<T>) -> Result<T> {
    let result = foreign::of_package(result, "zfsutils-linux");
    let Err(error) = result else { return result };
    let said = foreign::failure(&error).map(|it| it.stderr_tail.clone()).unwrap_or_default();
    // As the sources of OpenZFS have it, not recorded.
    if said.contains("ZFS modules") {
        return Err(error).code(code::NO_MODULE).hint("add a `KernelModule` for `zfs` before");
    }
    Err(error)
}

impl ZfsDataset {
    /// A dataset by its name, which begins with that of the pool.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            volume: None,
            properties: BTreeMap::new(),
            inherited: BTreeSet::new(),
            absent: false,
            recursive: false,
        }
    }

    /// Makes it a volume of a size. One that is there can grow and shrink, which costs what is at
    /// its end.
    #[must_use]
    pub fn volume(mut self, size: impl Into<String>) -> Self {
        self.volume = Some(size.into());
        self
    }

    /// Sets a property; may be given several times.
    #[must_use]
    pub fn property(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.properties.insert(name.into(), value.to_string());
        self
    }

    /// Takes a property over from the dataset above; may be given several times.
    #[must_use]
    pub fn inherited(mut self, name: impl Into<String>) -> Self {
        self.inherited.insert(name.into());
        self
    }

    /// Destroys it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Destroys all that is below it too: datasets and snapshots.
    #[must_use]
    pub fn recursive(mut self) -> Self {
        self.recursive = true;
        self
    }

    /// All properties that shall be set here.
    fn wanted(&self) -> impl Iterator<Item = (&str, &str)> {
        let size = self.volume.as_deref().map(|size| ("volsize", size));
        let others = self.properties.iter().map(|(name, value)| (&**name, &**value));
        size.into_iter().chain(others)
    }

    /// The properties that have other values.
    fn differing(&self, present: &BTreeMap<String, Property>) -> Vec<(&str, &str, String)> {
        let value =
            |name: &str| present.get(name).map(|it| it.value.clone()).unwrap_or("none".into());
        let all = self.wanted().map(|(name, wanted)| (name, wanted, value(name)));
        all.filter(|(_, wanted, present)| !same(present, wanted)).collect()
    }

    /// The properties that are set here, and shall not be.
    fn set_here(&self, present: &BTreeMap<String, Property>) -> Vec<&str> {
        let here = |name: &&str| present.get(*name).is_some_and(|it| it.source == "local");
        self.inherited.iter().map(String::as_str).filter(here).collect()
    }

    fn check_kind(&self, present: &BTreeMap<String, Property>) -> Result {
        let kind = present.get("type").map_or("filesystem", |it| &it.value);
        let wanted = if self.volume.is_some() { "volume" } else { "filesystem" };
        if kind == wanted {
            return Ok(());
        }
        Err(fault!(code::DATASET_KIND, "dataset `{}` is a {kind}, not a {wanted}", self.name))
            .hint("one cannot become the other: destroy it by hand, or name another")
    }

    fn changes(&self, datasets: &Datasets) -> Result<Vec<Change>> {
        let kind = if self.volume.is_some() { "volume" } else { "file system" };
        let Some(present) = datasets.0.get(&self.name) else {
            if self.absent {
                return Ok(Vec::new());
            }
            let with: Vec<_> =
                self.wanted().map(|(name, value)| format!("{name}={value}")).collect();
            let with =
                if with.is_empty() { String::new() } else { format!(" ({})", with.join(", ")) };
            return Ok(vec![Change::create(format!("{kind}{with}"))]);
        };
        if self.absent {
            let below = format!("{}/", self.name);
            let below = datasets.0.keys().filter(|name| name.starts_with(&below)).count();
            let with = match (self.recursive, below) {
                (true, 1..) => format!(" with {below} below it"),
                _ => String::new(),
            };
            return Ok(vec![Change::remove(format!("dataset{with}"))]);
        }
        self.check_kind(present)?;
        let set = self.differing(present).into_iter();
        let set = set.map(|(name, wanted, present)| Change::property(name, present, wanted));
        let here = self.set_here(present).into_iter();
        let inherit = here.map(|name| {
            let value = present.get(name).map_or("", |it| &it.value);
            Change::property(name, value, "inherited")
        });
        Ok(set.chain(inherit).collect())
    }

    /// The commands that make it right.
    fn commands(&self, datasets: &Datasets) -> Vec<Vec<String>> {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let name = self.name.clone();
        let present = datasets.0.get(&self.name);
        if self.absent {
            let recursive = if self.recursive { &["-r"][..] } else { &[] };
            let destroy = [&["destroy"][..], recursive, &[&*self.name][..]].concat();
            return present.map(|_| words(&destroy)).into_iter().collect();
        }
        let Some(present) = present else {
            let mut create = words(&["create", "-p"]);
            if let Some(size) = &self.volume {
                create.extend(["-V".to_owned(), size.clone()]);
            }
            for (property, value) in &self.properties {
                create.extend(["-o".to_owned(), format!("{property}={value}")]);
            }
            create.push(name);
            return vec![create];
        };
        let mut commands = Vec::new();
        let set = self.differing(present);
        if !set.is_empty() {
            let assigned = set.iter().map(|(property, wanted, _)| format!("{property}={wanted}"));
            let all = std::iter::once("set".to_owned()).chain(assigned).chain([name.clone()]);
            commands.push(all.collect());
        }
        let here = self.set_here(present).into_iter();
        commands.extend(here.map(|property| words(&["inherit", property, &name])));
        commands
    }
}

impl Component for ZfsDataset {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let name = &self.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.: ".contains(c);
        let is_part = |part: &str| !part.is_empty() && part.chars().all(plain);
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
        demand!(
            begins && name.len() < 256 && name.split('/').all(is_part),
            code::NOT_A_NAME,
            "`{name}` cannot be the name of a dataset"
        );
        if let Some(size) = &self.volume {
            size::checked(size)?;
        }
        for property in self.properties.keys().chain(&self.inherited) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@".contains(c);
            let is_name = !property.is_empty() && property.chars().all(plain);
            demand!(is_name, code::NOT_A_NAME, "`{property}` cannot be a property");
        }
        for property in &self.inherited {
            let both = self.properties.contains_key(property);
            demand!(!both, code::OPTIONS_CLASH, "property `{property}` is both set and inherited");
        }
        demand!(
            !self.properties.contains_key("volsize"),
            code::OPTIONS_CLASH,
            "give the size by `.volume(…)`"
        );
        demand!(
            self.absent || !self.recursive,
            code::OPTIONS_CLASH,
            "`.recursive()` is for absent datasets"
        );
        if self.absent {
            let pool = !name.contains('/');
            demand!(
                !pool,
                code::OPTION_VALUE,
                "`{name}` is a pool, which is not destroyed by this"
            );
            return Ok(());
        }
        scope.manages("zfs-dataset", name);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(self.changes(&*probe.snapshot::<Datasets>()?)?.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        require_root(machine, "change datasets")?;
        let _alone = machine.exclusive("zfs");
        machine.invalidate::<Datasets>();
        let datasets = machine.snapshot::<Datasets>()?;
        for command in self.commands(&datasets) {
            zfs(machine.run(&foreign::program("zfs").args(command).timeout(TIMEOUT)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `man zfs-get` describes it, not recorded.
    const TEXT: &str = "tank\ttype\tfilesystem\t-\n\
        tank/data\ttype\tfilesystem\t-\n\
        tank/data\tquota\t107374182400\tlocal\n\
        tank/data\treservation\t0\tdefault\n\
        tank/data\tcompression\tlz4\tinherited from tank\n\
        tank/data\tatime\toff\tlocal\n\
        tank/data/below\ttype\tfilesystem\t-\n\
        tank/disk0\ttype\tvolume\t-\n\
        tank/disk0\tvolsize\t1073741824\tlocal\n";

    fn seen(dataset: &ZfsDataset) -> (Vec<String>, Vec<String>) {
        let datasets = Datasets::parse(TEXT);
        let changes = dataset.changes(&datasets).unwrap();
        let commands = dataset.commands(&datasets);
        let commands = commands.iter().map(|command| command.join(" ")).collect();
        (changes.iter().map(Change::to_string).collect(), commands)
    }

    #[test]
    fn each_difference_is_seen_and_mended() {
        let data = || ZfsDataset::new("tank/data");
        let none = || Vec::<String>::new();
        for (dataset, changes, commands) in [
            (data().property("quota", "100G").property("reservation", "none"), vec![], vec![]),
            (data().property("compression", "lz4").inherited("quotas"), vec![], vec![]),
            (
                data().property("quota", "50G").property("com.example:x", "1"),
                vec!["com.example:x none → 1", "quota 107374182400 → 50G"],
                vec!["set com.example:x=1 quota=50G tank/data"],
            ),
            (
                data().inherited("atime"),
                vec!["atime off → inherited"],
                vec!["inherit atime tank/data"],
            ),
            (
                ZfsDataset::new("tank/new/x").property("atime", "off"),
                vec!["create file system (atime=off)"],
                vec!["create -p -o atime=off tank/new/x"],
            ),
            (
                ZfsDataset::new("tank/disk0").volume("2G"),
                vec!["volsize 1073741824 → 2G"],
                vec!["set volsize=2G tank/disk0"],
            ),
            (
                ZfsDataset::new("tank/disk1").volume("2G"),
                vec!["create volume (volsize=2G)"],
                vec!["create -p -V 2G tank/disk1"],
            ),
            (data().absent(), vec!["remove dataset"], vec!["destroy tank/data"]),
            (
                data().absent().recursive(),
                vec!["remove dataset with 1 below it"],
                vec!["destroy -r tank/data"],
            ),
            (ZfsDataset::new("tank/none").absent(), vec![], vec![]),
        ] {
            assert_eq!(seen(&dataset).0, changes, "{dataset:?}");
            assert_eq!(seen(&dataset).1, commands, "{dataset:?}");
        }
        assert_eq!(seen(&ZfsDataset::new("tank/disk0").volume("1G")), (none(), none()));
        let wrong = ZfsDataset::new("tank/disk0").changes(&Datasets::parse(TEXT)).unwrap_err();
        let wrong = format!("{wrong:#}");
        assert!(wrong.contains("is a volume, not a filesystem"), "{wrong}");
    }
}
