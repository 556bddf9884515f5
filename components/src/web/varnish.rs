//! The configuration of Varnish.

mod loaded;

use std::borrow::Cow;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::{ExecError, Output, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault, template};

use crate::content::Content;
use crate::file::{File, Text};
use crate::foreign;
use crate::location::Location;

use super::text_source::{TextSource, bytes};
use loaded::{Loaded, ask, varnishadm};

/// The configuration of Varnish, in VCL: its file is right, and Varnish uses it.
///
/// The content comes from one of [`content`](Self::content), [`source`](Self::source),
/// [`template`](Self::template) and [`inline_template`](Self::inline_template); with none of them it
/// is the asset with the name of the file.
///
/// | attribute | default |
/// |---|---|
/// | path | the file that Varnish is started with, as `/etc/varnish/default.vcl` |
/// | `instance` | the Varnish of the system; else the name or directory that `varnishd -n` was given |
/// | `mode` | `0644`; `0600` if it holds a secret, with a `group` `0640` |
/// | `group` | of a new file the converging user's; else left as it is |
///
/// `verify` compares the file, and asks Varnish (`varnishadm`) whether the configuration that it uses is
/// this one; of a Varnish that does not run only the file is looked at. `update` has the new one compiled
/// (`varnishd -C`), and loaded by a Varnish that runs, before anything is changed: one that is refused
/// leaves the old one in place and in use. Then the file is written, the new configuration is used under a
/// name such as `togusa-0c1d2e3f-7`, in which the digits stand for its path, and those that were loaded so
/// before are discarded, but for those that labels lead to. What was cached stays. Files
/// that it includes are compared with nothing: let a change of theirs trigger this.
///
/// Varnish reads the file as a user of its own: one that holds a secret needs a `group`, on Debian
/// `varnish`.
///
/// For rollouts, a Varnish is healthy while its worker process runs.
///
/// [`absent`](Self::absent) removes the file, and what was loaded by this component, after going back to
/// `boot`, the configuration that Varnish was started with; that is in use until Varnish ends.
///
/// **Needs**: `varnishd`, `varnishadm`; a C compiler, as Varnish itself; root usually.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// const SHOP: &str = r#"
/// vcl 4.1;
/// include "/etc/varnish/purge.vcl";
/// backend shop {
///     .host = "{{ host }}";
///     .port = "{{ port }}";
/// }
/// "#;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let purge = scope.add(File::new("/etc/varnish/purge.vcl").content("acl purge { \"::1\"; }\n"));
///     let shop = context! { host => "10.0.0.2", port => 8080 };
///     let shop = Varnish::new("/etc/varnish/default.vcl").inline_template(SHOP, shop);
///     scope.on_change(&purge).add(shop);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Varnish {
    path: Location,
    given: Option<TextSource>,
    instance: Option<String>,
    group: Option<String>,
    absent: bool,
    resolved: Option<HostPath>,
    /// None: it is to be gone.
    file: Option<File>,
}

impl Varnish {
    /// The configuration in a file.
    pub fn new(path: impl Into<Location>) -> Self {
        Self {
            path: path.into(),
            given: None,
            instance: None,
            group: None,
            absent: false,
            resolved: None,
            file: None,
        }
    }

    /// Sets the text.
    #[must_use]
    pub fn content(mut self, text: impl Into<Text>) -> Self {
        self.given = Some(TextSource::Content(text.into()));
        self
    }

    /// Sets the text to an asset, rendered if it is a template.
    #[must_use]
    pub fn source(mut self, name: impl Into<String>) -> Self {
        self.given = Some(TextSource::Source(name.into()));
        self
    }

    /// Sets the text to an asset that is rendered with the given variables.
    #[must_use]
    pub fn template(mut self, name: impl Into<String>, context: template::Context) -> Self {
        self.given = Some(TextSource::Template(name.into(), context));
        self
    }

    /// Sets the text to a template that stands in the code.
    #[must_use]
    pub fn inline_template(mut self, text: impl Into<String>, context: template::Context) -> Self {
        self.given = Some(TextSource::Inline(text.into(), context));
        self
    }

    /// Names another Varnish of the host, as `varnishd -n` was told.
    #[must_use]
    pub fn instance(mut self, name: impl Into<String>) -> Self {
        self.instance = Some(name.into());
        self
    }

    /// Sets the group of the file.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn resolved(&self) -> Result<&HostPath> {
        let path = self.resolved.as_ref().context("the configuration was not configured");
        path.code(code::NOT_CONFIGURED)
    }

    fn varnishadm(&self, args: &[&str]) -> Exec {
        varnishadm(self.instance.as_deref()).args(args.iter().copied())
    }

    /// Changes what Varnish has loaded.
    fn change(&self, machine: &Machine<'_>, args: &[&str]) -> Result<Output> {
        machine.run(&loaded::change(self.instance.as_deref(), args))
    }

    /// What the names begin with of what was loaded by this component.
    fn prefix(&self, probe: &Probe<'_>) -> Result<String> {
        Ok(loaded::prefix(&probe.local(self.resolved()?)))
    }

    /// What `vcl.list` tells; nothing if Varnish does not run.
    fn list(&self, probe: &Probe<'_>) -> Result<Option<String>> {
        ask(probe, self.instance.as_deref(), "vcl.list")
    }

    /// How what is in use differs from what the file is to hold.
    fn difference(&self, probe: &Probe<'_>, wanted: &[u8], hidden: bool) -> Result<Vec<Change>> {
        let Some(told) = self.list(probe)? else { return Ok(Vec::new()) };
        let Some(active) = loaded::parse(&told).into_iter().find(|one| one.is_active) else {
            return Ok(vec![Change::create("configuration in use")]);
        };
        let show = self.varnishadm(&["vcl.show", &active.name]).sensitive();
        let shown = probe.query(&show)?.stdout_text();
        // A line break is added to what was loaded.
        let shown = shown.strip_suffix('\n').unwrap_or(&shown);
        if shown.as_bytes() == wanted {
            return Ok(Vec::new());
        }
        let uses = format!("Varnish uses another configuration, `{}`", active.name);
        let differs = (!hidden).then(|| Change::text(shown, &String::from_utf8_lossy(wanted)));
        Ok(std::iter::once(uses.into()).chain(differs).collect())
    }

    /// Has the new one compiled, and loaded by a Varnish that runs. Gives the name that it has there.
    fn load(
        &self,
        machine: &Machine<'_>,
        file: &File,
        wanted: &Content<'_>,
    ) -> Result<Option<String>> {
        let path = self.resolved()?;
        let beside = path.parent().context("the file has no directory")?;
        let candidate = beside.join(format!(".togusa-{}", path.file_name()));
        let local = machine.local(&candidate).display().to_string();
        // Varnish reads it as the user that it runs as.
        let hidden = file.is_sensitive(wanted, machine);
        let mut ownership = Ownership::mode(if hidden { 0o600 } else { 0o644 });
        if self.group.is_some() {
            ownership = Ownership { group: self.group.clone(), ..Ownership::mode(0o640) };
        }
        let refused = |result: Result<Output>| {
            let denied = |error: &anyhow::Error| {
                let failed = foreign::failure(error);
                failed.is_some_and(|failed| failed.stderr_tail.contains("Permission denied"))
            };
            let is_denied = result.as_ref().is_err_and(denied);
            let refused = foreign::of_package(result, "varnish")
                .context("Varnish refuses its configuration")
                .code(code::CONFIGURATION_REFUSED)
                .context("the configuration is not changed");
            match is_denied {
                true => refused.hint("let Varnish's own user read it, by `.group(\"varnish\")`"),
                false => refused,
            }
        };
        let try_out = || -> Result<Option<String>> {
            machine.replace(&candidate, wanted.to_write(), &ownership)?;
            let compile = foreign::program("varnishd").args(["-C", "-f", &local]);
            refused(machine.query(&compile))?;
            let Some(told) = self.list(machine)? else { return Ok(None) };
            let name = loaded::new_name(&told, &self.prefix(machine)?);
            refused(self.change(machine, &["vcl.load", &name, &local]))?;
            Ok(Some(name))
        };
        let tried = try_out();
        machine.remove(&candidate)?;
        tried
    }

    /// Has the new one used. Whether there is a Varnish to use it.
    fn bring(&self, machine: &Machine<'_>, file: &File) -> Result<bool> {
        let wanted = file.wanted(machine)?;
        let loaded = self.load(machine, file, &wanted)?;
        file.update_with(machine, &wanted)?;
        if let Some(name) = &loaded {
            self.change(machine, &["vcl.use", name])?;
        }
        Ok(loaded.is_some())
    }

    /// Discards all that was loaded by this component but what is in use.
    fn discard(&self, machine: &Machine<'_>) -> Result {
        for old in self.own(machine)?.iter().filter(|one| !one.is_active) {
            self.change(machine, &["vcl.discard", &old.name])?;
        }
        Ok(())
    }

    /// What was loaded by this component, and can be given up; nothing if Varnish does not run, or is not
    /// there any more.
    fn own(&self, probe: &Probe<'_>) -> Result<Vec<Loaded>> {
        let told = match self.list(probe) {
            Err(error) if matches!(error.downcast_ref(), Some(ExecError::NotFound { .. })) => None,
            told => told?,
        };
        let all = loaded::parse(&told.unwrap_or_default());
        let prefix = self.prefix(probe)?;
        // Varnish discards nothing that labels lead to, which others have made.
        let counts = |one: &Loaded| one.is_own(&prefix) && (one.is_active || !one.has_labels);
        Ok(all.into_iter().filter(counts).collect())
    }

    fn remove(&self, machine: &Machine<'_>) -> Result {
        let own = self.own(machine)?;
        if own.iter().any(|one| one.is_active) {
            let told = self.list(machine)?.unwrap_or_default();
            if !loaded::parse(&told).iter().any(|one| one.name == "boot") {
                return Err(fault!(
                    code::VARNISH_NEEDED,
                    "Varnish has no other configuration to use"
                ))
                .hint("let it use another one by `varnishadm vcl.use`, or stop it, before");
            }
            self.change(machine, &["vcl.use", "boot"])?;
        }
        if !own.is_empty() {
            self.discard(machine)?;
        }
        machine.remove(self.resolved()?)
    }
}

impl Component for Varnish {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.path.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        if let Some(instance) = &self.instance {
            demand!(
                !instance.is_empty() && !instance.starts_with('-'),
                code::NOT_A_NAME,
                "`{instance}` is no name of a Varnish"
            );
        }
        let path = self.path.resolve(scope)?;
        if !self.absent {
            let file = File::new(&path);
            let file = match self.given.take() {
                None => file.source(path.file_name()),
                Some(given) => given.for_file(file),
            };
            let mut file = match &self.group {
                Some(group) => file.group(group).mode(0o640),
                None => file,
            };
            file.configure(scope)?;
            self.file = Some(file);
        }
        self.resolved = Some(path);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let Some(file) = &self.file else {
            let path = self.resolved()?;
            let there = probe.entry(path)?.map(|_| Change::remove("file"));
            let own = self.own(probe)?;
            let own = own.iter().map(|one| Change::remove(format!("configuration `{}`", one.name)));
            return Ok(there.into_iter().chain(own).collect());
        };
        let wanted = file.wanted(probe)?;
        let verdict = file.verify_with(probe, &wanted)?;
        let hidden = file.is_sensitive(&wanted, probe);
        // What the file shows already is not shown twice.
        let shown = hidden || !verdict.is_current();
        let used = self.difference(probe, &bytes(&wanted, probe)?, shown)?;
        Ok(verdict.and(used.into()))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = machine.exclusive("varnish");
        let Some(file) = &self.file else { return self.remove(machine) };
        match self.bring(machine, file) {
            Ok(true) => self.discard(machine),
            Ok(false) => Ok(()),
            Err(error) => {
                // What failed tells more than that something is left of it, which the next run discards.
                let _ = self.discard(machine);
                Err(error)
            }
        }
    }

    fn healthy(&self, probe: &Probe<'_>) -> Result {
        if self.absent {
            return Ok(());
        }
        let told = ask(probe, self.instance.as_deref(), "status")?;
        let told = told.unwrap_or_else(|| "Varnish does not run".into());
        demand!(told.contains("state running"), code::UNHEALTHY, "{}", told.trim());
        Ok(())
    }
}
