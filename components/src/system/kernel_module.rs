//! Modules of the kernel.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use togusa_core::fault::CodeExt as _;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::config::SystemFile;
use crate::foreign;
use crate::privilege::require_root;

/// One module of the kernel: it is loaded, now and at boot, or it is not.
///
/// | attribute | default |
/// |---|---|
/// | `parameter` | none: those that it has are left as they are |
/// | `only_now` | no: it is loaded at boot too |
/// | `absent` | no; else it is unloaded, and not loaded at boot by the file of this component |
/// | `blacklisted` | no; else it is absent, and nothing that finds its device loads it |
///
/// `verify` reads `/proc/modules` and the modules that are built in, once for all modules of the host,
/// and its own files `/etc/modules-load.d/togusa-NAME.conf` and `/etc/modprobe.d/togusa-NAME.conf`;
/// parameters below `/sys/module`, those that the kernel shows there. `update` runs `modprobe`, of the
/// package `kmod` or busybox, and needs root. With other parameters it is unloaded and loaded again,
/// which fails while something uses it. A module that is built in is always there: to be absent, or to
/// have other parameters, is an error for it.
///
/// In a sandbox only the files are looked after.
///
/// No kernel with modules was at hand: `/proc/modules` is read as its manual describes it, and no module was
/// loaded or unloaded by a real one. What `modprobe` says of an unknown module was recorded from kmod 30.
///
/// **Needs**: root; `modprobe`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(KernelModule::new("br_netfilter"));
///     scope.add(KernelModule::new("nf_conntrack").parameter("hashsize", 65536));
///     scope.add(KernelModule::new("pcspkr").blacklisted());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct KernelModule {
    name: String,
    parameters: BTreeMap<String, String>,
    only_now: bool,
    absent: bool,
    blacklisted: bool,
    files: Option<Files>,
}

#[derive(Debug)]
struct Files {
    load: SystemFile,
    options: SystemFile,
}

/// The modules of a host, all with `_` for `-`.
struct Modules {
    /// `None`: its kernel loads none.
    loaded: Option<BTreeSet<String>>,
    built_in: BTreeSet<String>,
}

impl Snapshot for Modules {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let read = |path: &str| -> Result<Option<String>> {
            let path = HostPath::new(&probe.host().name, path);
            let there = probe.entry(&path)?;
            there.map(|_| probe.read_to_string(&path)).transpose()
        };
        let loaded = read("/proc/modules")?.map(|text| loaded(&text));
        let release = read("/proc/sys/kernel/osrelease")?.unwrap_or_default();
        let built_in = read(&format!("/lib/modules/{}/modules.builtin", release.trim()))?;
        Ok(Self { loaded, built_in: built_in.map(|text| built_in_of(&text)).unwrap_or_default() })
    }
}

impl Modules {
    /// Whether a module is loaded.
    fn has(&self, id: &str) -> bool {
        self.loaded.as_ref().is_some_and(|loaded| loaded.contains(id))
    }
}

/// The names in `/proc/modules`: the first word of each line, for a module that is `Live`.
fn loaded(text: &str) -> BTreeSet<String> {
    let words = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let live = words.filter(|words| words.get(4) != Some(&"Unloading"));
    live.filter_map(|words| words.first().map(|name| (*name).to_owned())).collect()
}

/// The names in `modules.builtin`: a path for each.
fn built_in_of(text: &str) -> BTreeSet<String> {
    let files = text.lines().filter_map(|line| line.rsplit('/').next()?.strip_suffix(".ko"));
    files.map(|name| name.replace('-', "_")).collect()
}

/// What the kernel shows for a parameter that is a switch.
fn same_value(present: &str, wanted: &str) -> bool {
    let switch = |text: &str| match text {
        "Y" | "y" | "1" | "on" => Some(true),
        "N" | "n" | "0" | "off" => Some(false),
        _ => None,
    };
    present == wanted || (switch(present).is_some() && switch(present) == switch(wanted))
}

impl KernelModule {
    /// A module by its name, with `-` or `_`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            parameters: BTreeMap::new(),
            only_now: false,
            absent: false,
            blacklisted: false,
            files: None,
        }
    }

    /// Sets a parameter; may be given several times.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.parameters.insert(name.into(), value.to_string());
        self
    }

    /// Leaves it to others what happens at boot.
    #[must_use]
    pub fn only_now(mut self) -> Self {
        self.only_now = true;
        self
    }

    /// Unloads it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Unloads it, and keeps it from being loaded for a device.
    #[must_use]
    pub fn blacklisted(mut self) -> Self {
        self.absent = true;
        self.blacklisted = true;
        self
    }

    fn files(&self) -> Result<&Files> {
        self.files.as_ref().context("the module was not configured").code(code::NOT_CONFIGURED)
    }

    fn id(&self) -> String {
        self.name.replace('-', "_")
    }

    /// The two files that are read at boot.
    fn texts(&self) -> (Option<String>, Option<String>) {
        let kept = "# Kept by togusa.\n";
        let load = (!self.absent).then(|| format!("{kept}{}\n", self.name));
        let options = if self.blacklisted {
            Some(format!("{kept}blacklist {}\n", self.name))
        } else if self.parameters.is_empty() || self.absent {
            None
        } else {
            Some(format!("{kept}options {} {}\n", self.name, self.arguments().join(" ")))
        };
        (load, options)
    }

    fn arguments(&self) -> Vec<String> {
        self.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// The parameters that are looked after and that the kernel shows, with their values.
    fn shown(&self, probe: &Probe<'_>) -> Result<BTreeMap<&str, String>> {
        let mut shown = BTreeMap::new();
        for name in self.parameters.keys() {
            let path = format!("/sys/module/{}/parameters/{name}", self.id());
            let path = HostPath::new(&probe.host().name, path);
            if probe.entry(&path)?.is_some() {
                shown.insert(&**name, probe.read_to_string(&path)?.trim_end().to_owned());
            }
        }
        Ok(shown)
    }

    /// What differs now.
    fn differing(&self, modules: &Modules, shown: &BTreeMap<&str, String>) -> Result<Vec<Change>> {
        let name = &self.name;
        let built_in = modules.built_in.contains(&self.id());
        let wanted = self.parameters.iter();
        let both = wanted.filter_map(|(name, wanted)| Some((name, shown.get(&**name)?, wanted)));
        let others = both.filter(|(_, present, wanted)| !same_value(present, wanted));
        let parameters: Vec<_> = others
            .map(|(name, present, wanted)| {
                Change::property(format!("parameter {name}"), present, wanted)
            })
            .collect();
        if built_in && (self.absent || !parameters.is_empty()) {
            return Err(fault!(
                code::MODULE_BUILT_IN,
                "module `{name}` is built into the kernel of this host"
            ))
            .hint("set its parameters on the kernel's command line, `MODULE.PARAMETER=VALUE`");
        }
        if modules.loaded.is_none() && !built_in && !self.absent {
            return Err(fault!(
                code::NO_MODULES,
                "the kernel of this host loads no modules, and has no `{name}`"
            ))
            .hint("a container shares the kernel of its host: load it there");
        }
        Ok(match (self.absent, modules.has(&self.id()) || built_in) {
            (false, false) => vec![Change::create("module in the kernel")],
            (true, true) => vec![Change::remove("module from the kernel")],
            (true, false) => Vec::new(),
            (false, true) => parameters,
        })
    }

    /// What `modprobe` is to be called with, to make it right now.
    fn commands(
        &self,
        modules: &Modules,
        shown: &BTreeMap<&str, String>,
    ) -> Result<Vec<Vec<String>>> {
        let mut commands = Vec::new();
        if self.differing(modules, shown)?.is_empty() {
            return Ok(commands);
        }
        if modules.has(&self.id()) {
            commands.push(vec!["-r".to_owned(), self.name.clone()]);
        }
        if !self.absent {
            let name = std::iter::once(self.name.clone());
            commands.push(name.chain(self.arguments()).collect());
        }
        Ok(commands)
    }
}

/// A host without `modprobe` may have no directory for them either.
fn write(machine: &Machine<'_>, file: &SystemFile, text: Option<&str>) -> Result {
    if text.is_some() {
        machine.create_leading(file.path())?;
    }
    file.write(machine, text)
}

fn modprobe(machine: &Machine<'_>, args: Vec<String>) -> Result {
    let ran = machine.run(&foreign::program("modprobe").args(args));
    let ran = foreign::of_package(ran.map(|_| ()), "kmod");
    let Err(error) = ran else { return Ok(()) };
    let said = foreign::failure(&error).map(|it| it.stderr_tail.clone()).unwrap_or_default();
    // The text of kmod 30, not recorded: `modprobe: FATAL: Module dummy is in use.`
    if said.contains("in use") {
        return Err(error)
            .code(code::IN_USE)
            .hint("stop what uses it in an earlier component, or reboot the host");
    }
    // Recorded from kmod 30: `modprobe: FATAL: Module nosuch not found in directory /lib/modules/RELEASE`.
    if said.contains("not found in directory") {
        return Err(error)
            .code(code::NO_MODULE)
            .hint("install the package that has it for this kernel");
    }
    Err(error)
}

impl Component for KernelModule {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let plain =
            |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        let name = &self.name;
        let is_name = !name.is_empty() && !name.starts_with('-') && plain(name);
        demand!(is_name, code::NOT_A_NAME, "`{name}` cannot be the name of a module");
        for (parameter, value) in &self.parameters {
            let fits = !parameter.is_empty() && plain(parameter);
            demand!(fits, code::NOT_A_NAME, "`{parameter}` cannot be a parameter of a module");
            let fits = !value.is_empty() && !value.contains(|c: char| c.is_whitespace());
            demand!(
                fits,
                code::OPTION_VALUE,
                "the value of parameter `{parameter}` is not one word"
            );
        }
        let unused = self.absent && !self.parameters.is_empty();
        demand!(!unused, code::OPTIONS_CLASH, "parameters mean nothing to an absent module");
        demand!(
            !(self.blacklisted && self.only_now),
            code::OPTIONS_CLASH,
            "`.only_now()` means nothing to a blacklisted module"
        );
        let file = |directory: &str| format!("/etc/{directory}/togusa-{name}.conf");
        self.files = Some(Files {
            load: SystemFile::new(scope, &file("modules-load.d")),
            options: SystemFile::new(scope, &file("modprobe.d")),
        });
        if !self.absent {
            scope.manages("kernel-module", name);
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let files = self.files()?;
        let mut verdict = Verdict::current();
        if !files.load.is_sandboxed() {
            let modules = probe.snapshot::<Modules>()?;
            verdict = self.differing(&modules, &self.shown(probe)?)?.into();
        }
        if self.only_now {
            return Ok(verdict);
        }
        let (load, options) = self.texts();
        let verdict = verdict.and(files.options.verify(probe, options.as_deref())?);
        Ok(verdict.and(files.load.verify(probe, load.as_deref())?))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let files = self.files()?;
        let sandboxed = files.load.is_sandboxed();
        if !sandboxed {
            require_root(machine, "load modules of the kernel")?;
        }
        let (load, options) = self.texts();
        if !self.only_now {
            // Before it is loaded, because modprobe reads it too.
            write(machine, &files.options, options.as_deref())?;
        }
        if !sandboxed {
            let modules = machine.snapshot::<Modules>()?;
            for args in self.commands(&modules, &self.shown(machine)?)? {
                modprobe(machine, args)?;
            }
        }
        if self.only_now {
            return Ok(());
        }
        write(machine, &files.load, load.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `man 5 proc_modules` and `man 5 modules.builtin` describe them: the machine that these
    /// tests were written on has a kernel without modules.
    #[test]
    fn what_is_loaded_or_built_in_is_read() {
        let text = "br_netfilter 32768 0 - Live 0x0000000000000000\n\
                    bridge 311296 1 br_netfilter, Live 0x0000000000000000\n\
                    floppy 90112 0 - Unloading 0x0000000000000000\n";
        assert_eq!(loaded(text).into_iter().collect::<Vec<_>>(), ["br_netfilter", "bridge"]);
        let built_in = built_in_of("kernel/fs/ext4/ext4.ko\nkernel/drivers/net/virtio-net.ko\n");
        assert_eq!(built_in.into_iter().collect::<Vec<_>>(), ["ext4", "virtio_net"]);
    }

    #[test]
    fn each_difference_is_seen_and_mended() {
        let modules = Modules {
            loaded: Some(["dummy", "br_netfilter"].map(String::from).into()),
            built_in: ["loop", "virtio_net"].map(String::from).into(),
        };
        let none = Modules { loaded: None, built_in: modules.built_in.clone() };
        let dummy = || KernelModule::new("dummy");
        let named = KernelModule::new;
        let remove = vec!["remove module from the kernel"];
        let create = vec!["create module in the kernel"];
        for (module, on, changes, commands) in [
            (dummy(), &modules, vec![], vec![]),
            (named("br-netfilter"), &modules, vec![], vec![]),
            (named("floppy"), &modules, create.clone(), vec!["floppy"]),
            (
                named("nf-tables").parameter("b", 2).parameter("a", "x"),
                &modules,
                create,
                vec!["nf-tables a=x b=2"],
            ),
            (dummy().absent(), &modules, remove.clone(), vec!["-r dummy"]),
            (named("br-netfilter").blacklisted(), &modules, remove, vec!["-r br-netfilter"]),
            (named("floppy").absent(), &modules, vec![], vec![]),
            (dummy().parameter("size", 4).parameter("debug", 1), &modules, vec![], vec![]),
            // What the kernel does not show is not compared.
            (dummy().parameter("hidden", 4), &modules, vec![], vec![]),
            (
                dummy().parameter("size", 5).parameter("debug", 0),
                &modules,
                vec!["parameter debug Y → 0", "parameter size 4 → 5"],
                vec!["-r dummy", "dummy debug=0 size=5"],
            ),
            (named("loop"), &modules, vec![], vec![]),
            (named("virtio-net").parameter("size", 4), &none, vec![], vec![]),
            (named("floppy").absent(), &none, vec![], vec![]),
        ] {
            let shown = [("size", "4".to_owned()), ("debug", "Y".to_owned())].into();
            let seen = module.differing(on, &shown).unwrap();
            let seen: Vec<_> = seen.iter().map(Change::to_string).collect();
            assert_eq!(seen, changes, "{module:?}");
            let ran = module.commands(on, &shown).unwrap();
            let ran: Vec<_> = ran.iter().map(|args| args.join(" ")).collect();
            assert_eq!(ran, commands, "{module:?}");
        }
        for (module, on, words) in [
            (named("loop").absent(), &modules, "module `loop` is built into the kernel"),
            (named("loop").parameter("size", 5), &none, "module `loop` is built into the kernel"),
            (named("floppy"), &none, "loads no modules, and has no `floppy`"),
        ] {
            let shown = [("size", "4".to_owned())].into();
            let error = format!("{:#}", module.differing(on, &shown).unwrap_err());
            assert!(error.contains(words), "{error}");
            assert!(module.commands(on, &shown).is_err(), "{module:?}");
        }
    }

    #[test]
    fn a_switch_is_equal_however_it_is_written() {
        for (present, wanted, same) in [
            ("Y", "1", true),
            ("N", "off", true),
            ("Y", "0", false),
            ("4", "4", true),
            ("4", "5", false),
        ] {
            assert_eq!(same_value(present, wanted), same, "{present} {wanted}");
        }
    }

    #[test]
    fn the_files_say_what_happens_at_boot() {
        let module = || KernelModule::new("dummy");
        let kept = |text: &str| Some(format!("# Kept by togusa.\n{text}\n"));
        assert_eq!(module().texts(), (kept("dummy"), None));
        let with = module().parameter("numdummies", 2).parameter("a", "b");
        assert_eq!(with.texts().1, kept("options dummy a=b numdummies=2"));
        assert_eq!(module().absent().texts(), (None, None));
        assert_eq!(module().blacklisted().texts(), (None, kept("blacklist dummy")));
    }
}
