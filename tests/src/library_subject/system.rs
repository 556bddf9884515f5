//! Roots of the system itself.

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .with::<ASysctl>("sysctl")
        .with::<AModule>("kernel-module")
        .with::<AHostname>("hostname")
        .with::<AZone>("timezone")
        .with::<ALocale>("locale")
        .with::<AMount>("mount")
        .with::<ASwap>("swap")
        .with::<Rules>("firewall")
        .with::<AVolume>("lvm-volume")
        .with::<ADataset>("zfs-dataset")
}

/// One parameter of the kernel.
#[derive(Debug, Attributes)]
struct ASysctl {
    name: String,
    value: Option<String>,
    file: Option<String>,
    #[attribute(default = false)]
    only_now: bool,
}

impl Component for ASysctl {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let sysctl = match &self.value {
            Some(value) => Sysctl::new(&*self.name, value),
            None => Sysctl::absent(&*self.name),
        };
        set!(sysctl: file = self.file.as_deref());
        ask!(sysctl: only_now if self.only_now);
        scope.add(sysctl);
        Ok(())
    }
}

/// One module of the kernel, and a parameter as `NAME=VALUE`.
#[derive(Debug, Attributes)]
struct AModule {
    name: String,
    parameter: Option<String>,
    #[attribute(default = false)]
    only_now: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AModule {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let parameter = self.parameter.as_deref().and_then(|text| text.split_once('='));
        let module = KernelModule::new(&*self.name);
        let module = match parameter {
            Some((name, value)) => module.parameter(name, value),
            None => module,
        };
        ask!(module: only_now if self.only_now, absent if self.absent);
        scope.add(module);
        Ok(())
    }
}

/// The name of the host.
#[derive(Debug, Attributes)]
struct AHostname {
    name: String,
}

impl Component for AHostname {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(Hostname::new(&*self.name));
        Ok(())
    }
}

/// The time zone.
#[derive(Debug, Attributes)]
struct AZone {
    zone: String,
}

impl Component for AZone {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(Timezone::new(&*self.zone));
        Ok(())
    }
}

/// One locale.
#[derive(Debug, Attributes)]
struct ALocale {
    locale: String,
    charset: Option<String>,
    #[attribute(default = false)]
    system_default: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for ALocale {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let locale = Locale::new(&*self.locale);
        set!(locale: charset = self.charset.as_deref());
        ask!(locale: system_default if self.system_default, absent if self.absent);
        scope.add(locale);
        Ok(())
    }
}

/// One file system.
#[derive(Debug, Attributes)]
struct AMount {
    path: String,
    device: Option<String>,
    bind: Option<String>,
    fs_type: Option<String>,
    options: Option<Vec<String>>,
    dump: Option<u32>,
    pass: Option<u32>,
    #[attribute(default = "")]
    only: String,
}

impl Component for AMount {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let mount = match (&self.device, &self.bind) {
            (Some(device), _) => Mount::new(&*self.path, device),
            (None, Some(from)) => Mount::bind(&*self.path, from),
            (None, None) => Mount::absent(&*self.path),
        };
        set!(mount:
            fs_type = self.fs_type.as_deref(),
            options = self.options.as_ref(),
            dump = self.dump,
            pass = self.pass,
        );
        ask!(mount:
            only_now if self.only == "now",
            only_at_boot if self.only == "at boot",
            unmounted if self.only == "unmounted",
        );
        scope.add(mount);
        Ok(())
    }
}

/// One file or device to swap to.
#[derive(Debug, Attributes)]
struct ASwap {
    path: String,
    size: Option<String>,
    priority: Option<u16>,
    #[attribute(default = false)]
    only_now: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for ASwap {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let swap = match &self.size {
            Some(size) => Swap::file(&*self.path, size),
            None => Swap::device(&*self.path),
        };
        set!(swap: priority = self.priority);
        ask!(swap: only_now if self.only_now, absent if self.absent);
        scope.add(swap);
        Ok(())
    }
}

/// Rules of the packet filter, each as `NAME CHAIN ORDER RULE`; without chain and order an absent one.
#[derive(Debug, Attributes)]
struct Rules {
    rules: Vec<String>,
    config: Option<String>,
}

impl Component for Rules {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        for rule in &self.rules {
            let words: Vec<_> = rule.splitn(4, ' ').collect();
            let rule = match words[..] {
                [name, chain, order, rule] => {
                    FirewallRule::new(name, rule).chain(chain).order(order.parse()?)
                }
                [name] => FirewallRule::new(name, "").absent(),
                _ => bail!("`{rule}` is no rule"),
            };
            set!(rule: config = self.config.as_deref());
            scope.add(rule);
        }
        Ok(())
    }
}

/// One volume of LVM.
#[derive(Debug, Attributes)]
struct AVolume {
    size: String,
}

impl Component for AVolume {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(LvmVolume::new("vg0", "data").size(&*self.size));
        Ok(())
    }
}

/// One dataset of ZFS.
#[derive(Debug, Attributes)]
struct ADataset {
    quota: String,
}

impl Component for ADataset {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(ZfsDataset::new("tank/data").property("quota", &*self.quota));
        Ok(())
    }
}
