//! Logical volumes of LVM.

use std::borrow::Cow;
use std::collections::BTreeMap;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use super::size;
use crate::foreign;
use crate::privilege::require_root;

/// What is asked of all volumes, in this order.
const FIELDS: &str = "vg_name,lv_name,lv_size,lv_active,vg_extent_size";

/// A logical volume of LVM, in a group that is there.
///
/// | attribute | default |
/// |---|---|
/// | `size` | must be given, unless `share` is: `20G`, rounded up to whole extents of the group |
/// | `share` | none; else what a new one gets, `100%FREE`, and nobody looks at its size later |
/// | `resize_fs` | no: what is on a volume that grows stays as small as it was |
/// | `shrink` | no: a volume that is larger is an error, because its end would be lost |
/// | `absent` | no; else it is removed with all that is on it, which fails while it is mounted |
///
/// `verify` runs `lvs` once for all volumes of the host, which needs root. `update` runs `lvcreate`,
/// `lvextend`, `lvreduce`, `lvchange` and `lvremove`, of the package `lvm2`, and needs root. Signatures of
/// what was there before are wiped from a new volume. One that is not active is activated.
///
/// The list that `verify` reads, and the error about a group that is not there, were recorded from LVM
/// 2.03.16. The kernel of that host had no device-mapper, so that no volume was made, resized, activated or
/// removed by a real one: these commands are as their manuals describe them.
///
/// In a sandbox it is the same as without: a group has no place in one.
///
/// **Needs**: root; `lvs`, `lvcreate` and their like.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(LvmVolume::new("vg0", "data").size("20G").resize_fs());
///     scope.add(LvmVolume::new("vg0", "logs").share("100%FREE"));
///     scope.add(LvmVolume::new("vg0", "old").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct LvmVolume {
    group: String,
    name: String,
    size: Option<String>,
    share: Option<String>,
    resize_fs: bool,
    shrink: bool,
    absent: bool,
}

/// All volumes, by group and name.
struct Volumes(BTreeMap<(String, String), Volume>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Volume {
    size: u64,
    /// No, if LVM knows that it is not.
    active: bool,
    extent: u64,
}

impl Snapshot for Volumes {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        require_root(probe, "look at the volumes of LVM")?;
        let lvs = ["--noheadings", "--units", "b", "--nosuffix", "--separator", "|", "-o", FIELDS];
        let asked = probe.query(&foreign::program("lvs").args(lvs));
        Ok(Self::parse(&foreign::of_package(asked, "lvm2")?.stdout_text()))
    }
}

impl Volumes {
    /// Reads what `lvs` prints: a line for each volume.
    fn parse(text: &str) -> Self {
        let volume = |line: &str| {
            let fields: Vec<_> = line.trim().split('|').collect();
            let [group, name, size, active, extent] = fields[..] else { return None };
            let active = !active.is_empty();
            let volume = Volume { size: size.parse().ok()?, active, extent: extent.parse().ok()? };
            Some(((group.to_owned(), name.to_owned()), volume))
        };
        Self(text.lines().filter_map(volume).collect())
    }
}

impl LvmVolume {
    /// A volume by its group and its own name.
    pub fn new(group: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            name: name.into(),
            size: None,
            share: None,
            resize_fs: false,
            shrink: false,
            absent: false,
        }
    }

    /// Sets the size.
    #[must_use]
    pub fn size(mut self, size: impl Into<String>) -> Self {
        self.size = Some(size.into());
        self
    }

    /// Sets what a new one gets, as `lvcreate --extents` takes it: `50%VG`, `100%FREE`.
    #[must_use]
    pub fn share(mut self, share: impl Into<String>) -> Self {
        self.share = Some(share.into());
        self
    }

    /// Resizes the file system that is on it too.
    #[must_use]
    pub fn resize_fs(mut self) -> Self {
        self.resize_fs = true;
        self
    }

    /// Lets it become smaller. Without [`resize_fs`](Self::resize_fs) what is at its end is lost.
    #[must_use]
    pub fn shrink(mut self) -> Self {
        self.shrink = true;
        self
    }

    /// Removes it with all that is on it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn full_name(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }

    fn present<'a>(&self, volumes: &'a Volumes) -> Option<&'a Volume> {
        volumes.0.get(&(self.group.clone(), self.name.clone()))
    }

    /// The size that it shall have, in whole extents; `None` if it may have any.
    fn wanted(&self, present: &Volume) -> Result<Option<u64>> {
        let Some(size) = &self.size else { return Ok(None) };
        let extent = present.extent.max(1);
        let wanted = size::checked(size)?.div_ceil(extent).saturating_mul(extent);
        if wanted >= present.size || self.shrink {
            return Ok(Some(wanted).filter(|wanted| *wanted != present.size));
        }
        let present = size::shown(present.size);
        Err(fault!(
            code::VOLUME_LARGER,
            "volume `{}` has {present}, more than `{size}`",
            self.full_name()
        ))
        .hint("ask for its size, or, if its end may be lost, for `.shrink()`")
    }

    fn changes(&self, volumes: &Volumes) -> Result<Vec<Change>> {
        let Some(present) = self.present(volumes) else {
            let size = self.size.as_deref().or(self.share.as_deref()).unwrap_or_default();
            let missing = Change::create(format!("volume ({size})"));
            return Ok(if self.absent { Vec::new() } else { vec![missing] });
        };
        let shown = size::shown(present.size);
        if self.absent {
            return Ok(vec![Change::remove(format!("volume ({shown})"))]);
        }
        let size = self.wanted(present)?;
        let size = size.map(|wanted| Change::property("size", shown, size::shown(wanted)));
        let active = (!present.active).then(|| Change::from("not active"));
        Ok(size.into_iter().chain(active).collect())
    }

    /// The commands that make it right.
    fn commands(&self, volumes: &Volumes) -> Result<Vec<(&'static str, Vec<String>)>> {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let full_name = self.full_name();
        let Some(present) = self.present(volumes) else {
            if self.absent {
                return Ok(Vec::new());
            }
            let size = match (&self.size, &self.share) {
                (Some(size), _) => ["--size".to_owned(), format!("{}b", size::checked(size)?)],
                (None, share) => ["--extents".to_owned(), share.clone().unwrap_or_default()],
            };
            let mut create = words(&["--yes", "--wipesignatures", "y"]);
            create.extend(size);
            create.extend(words(&["--name", &self.name, &self.group]));
            return Ok(vec![("lvcreate", create)]);
        };
        if self.absent {
            return Ok(vec![("lvremove", words(&["--yes", &full_name]))]);
        }
        let mut commands = Vec::new();
        if !present.active {
            commands.push(("lvchange", words(&["--activate", "y", &full_name])));
        }
        if let Some(wanted) = self.wanted(present)? {
            let program = if wanted > present.size { "lvextend" } else { "lvreduce" };
            let mut resize = words(&["--yes"]);
            if self.resize_fs {
                resize.push("--resizefs".to_owned());
            }
            resize.extend(["--size".to_owned(), format!("{wanted}b"), full_name]);
            commands.push((program, resize));
        }
        Ok(commands)
    }
}

impl Component for LvmVolume {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.full_name().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "+_.-".contains(c);
        for name in [&self.group, &self.name] {
            let is_name =
                !name.is_empty() && !name.starts_with(['-', '.']) && name.chars().all(plain);
            demand!(is_name, code::NOT_A_NAME, "`{name}` cannot be a name in LVM");
        }
        if self.absent {
            return Ok(());
        }
        match (&self.size, &self.share) {
            (Some(size), None) => size::checked(size).map(|_| ())?,
            (None, Some(share)) => {
                let number = share.split_once('%').map(|(number, _)| number);
                let is_share = number.is_some_and(|number| number.parse::<u8>().is_ok())
                    && ["%FREE", "%VG", "%PVS"].iter().any(|end| share.ends_with(end));
                demand!(
                    is_share,
                    code::OPTION_VALUE,
                    "`{share}` is no share of a group, such as `100%FREE`"
                );
            }
            (Some(_), Some(_)) => {
                fail!(code::OPTIONS_CLASH, "both `.size(…)` and `.share(…)` give it a size")
            }
            (None, None) => {
                return Err(fault!(code::OPTION_MISSING, "the volume has no size"))
                    .hint("give it `.size(\"20G\")` or `.share(\"100%FREE\")`");
            }
        }
        scope.manages("lvm-volume", self.full_name());
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(self.changes(&*probe.snapshot::<Volumes>()?)?.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        require_root(machine, "change the volumes of LVM")?;
        let _alone = machine.exclusive("lvm");
        machine.invalidate::<Volumes>();
        let volumes = machine.snapshot::<Volumes>()?;
        for (program, args) in self.commands(&volumes)? {
            let ran = machine.run(&foreign::program(program).args(args));
            let Err(error) = foreign::of_package(ran, "lvm2") else { continue };
            let said =
                foreign::failure(&error).map(|it| it.stderr_tail.clone()).unwrap_or_default();
            // Recorded from LVM 2.03.16: `  Volume group "vg0" not found`.
            return if said.contains("Volume group") && said.contains("not found") {
                Err(error)
                    .code(code::NO_VOLUME_GROUP)
                    .hint("make the group in an earlier component, by `vgcreate`")
            } else {
                Err(error)
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LVM 2.03.16: `lvs --noheadings --units b --nosuffix --separator '|' -o FIELDS` over a group
    /// on a loop device, by a kernel without device-mapper, for which `unknown` stands.
    const RECORDED: &str =
        "  vg0|data|12582912|unknown|4194304\n  vg0|logs|25165824|unknown|4194304\n";

    fn seen(volume: &LvmVolume, text: &str) -> (Vec<String>, Vec<String>) {
        let volumes = Volumes::parse(text);
        let changes = volume.changes(&volumes).unwrap();
        let commands = volume.commands(&volumes).unwrap();
        let commands =
            commands.iter().map(|(program, args)| format!("{program} {}", args.join(" ")));
        (changes.iter().map(Change::to_string).collect(), commands.collect())
    }

    #[test]
    fn each_difference_is_seen_and_mended() {
        let data = || LvmVolume::new("vg0", "data");
        let new = || LvmVolume::new("vg0", "new");
        for (volume, changes, commands) in [
            (data().size("12M"), vec![], vec![]),
            // In whole extents it is the same.
            (data().size("10M"), vec![], vec![]),
            (data().share("100%FREE"), vec![], vec![]),
            (
                data().size("20M"),
                vec!["size 12M → 20M"],
                vec!["lvextend --yes --size 20971520b vg0/data"],
            ),
            (
                data().size("8M").shrink().resize_fs(),
                vec!["size 12M → 8M"],
                vec!["lvreduce --yes --resizefs --size 8388608b vg0/data"],
            ),
            (
                new().size("1G"),
                vec!["create volume (1G)"],
                vec!["lvcreate --yes --wipesignatures y --size 1073741824b --name new vg0"],
            ),
            (
                new().share("50%VG"),
                vec!["create volume (50%VG)"],
                vec!["lvcreate --yes --wipesignatures y --extents 50%VG --name new vg0"],
            ),
            (data().absent(), vec!["remove volume (12M)"], vec!["lvremove --yes vg0/data"]),
            (new().absent(), vec![], vec![]),
        ] {
            let (seen, ran) = seen(&volume, RECORDED);
            assert_eq!(seen, changes, "{volume:?}");
            assert_eq!(ran, commands, "{volume:?}");
        }
        let inactive = seen(&data().size("12M"), "  vg0|data|12582912||4194304\n");
        assert_eq!(inactive.0, ["not active"]);
        assert_eq!(inactive.1, ["lvchange --activate y vg0/data"]);
    }

    #[test]
    fn a_volume_does_not_shrink_by_itself() {
        let volume = LvmVolume::new("vg0", "data").size("8M");
        let error = format!("{:#}", volume.changes(&Volumes::parse(RECORDED)).unwrap_err());
        assert!(error.contains("volume `vg0/data` has 12M, more than `8M`"), "{error}");
    }
}
