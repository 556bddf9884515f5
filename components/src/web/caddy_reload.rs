//! Having Caddy use what its files say.

use std::borrow::Cow;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;
use crate::location::Location;
use crate::processes::Process;

/// Where Caddy has its configuration unless another place is named.
pub(super) const CONFIG: &str = "/etc/caddy/Caddyfile";

/// Caddy uses what its files say.
///
/// It does nothing by itself: a trigger moves it. [`CaddySite`](super::CaddySite) brings one of its
/// own; with many sites at once, one for all of them does. Caddy is given the configuration over its
/// admin endpoint (`caddy reload --force`), answers once the new one serves, and keeps the old one where
/// it cannot. It reads certificates anew, too. A Caddy that does not run needs none of that: it reads its
/// files when it is started. One that runs with this configuration and does not answer is an error; one
/// that answers is taken for it. A `{$NAME}` in the files stands for a variable of whoever has Caddy load
/// them, here the converging process, and at its next start of the service of Caddy: have `{env.NAME}` there
/// instead, which Caddy itself looks up.
///
/// | attribute | default |
/// |---|---|
/// | `config` | `/etc/caddy/Caddyfile` |
///
/// It leaves nothing on the host that could be absent.
///
/// **Needs**: `caddy`; the right to read its files.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let own = scope.add(Certificate::self_signed("shop.localhost").group("caddy").key_mode(0o640));
///     let site = CaddySite::new("shop.localhost").root("/srv/shop");
///     scope.add(site.certificate(own.certificate_path(), own.key_path()));
///     scope.on_change(&own).add(CaddyReload::new());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct CaddyReload {
    config: Location,
    forced: bool,
    resolved: Option<HostPath>,
}

impl Default for CaddyReload {
    fn default() -> Self {
        Self::new()
    }
}

impl CaddyReload {
    /// The reload of the Caddy of the system.
    pub fn new() -> Self {
        Self { config: CONFIG.into(), forced: true, resolved: None }
    }

    /// Sets the configuration that Caddy is run with.
    #[must_use]
    pub fn config(mut self, path: impl Into<Location>) -> Self {
        self.config = path.into();
        self
    }

    /// Leaves Caddy alone where it has this very configuration already.
    pub(super) fn if_it_differs(mut self) -> Self {
        self.forced = false;
        self
    }
}

/// Caddy with a configuration.
pub(super) fn caddy(probe: &Probe<'_>, command: &str, config: &HostPath) -> Exec {
    let config = probe.local(config).display().to_string();
    foreign::program("caddy").args([command, "--config", &config, "--adapter", "caddyfile"])
}

/// Has a Caddy that was started with a configuration use what a file says, which may be another one.
pub(super) fn load(
    machine: &Machine<'_>,
    config: &HostPath,
    file: &HostPath,
    forced: bool,
) -> Result {
    let reload = caddy(machine, "reload", file);
    let reload = if forced { reload.arg("--force") } else { reload };
    let Err(error) = foreign::of_package(machine.run(&reload), "caddy") else { return Ok(()) };
    let nobody = |text: &str| {
        let refused = ["connect: connection refused", "connect: no such file or directory"];
        refused.iter().any(|refused| text.contains(refused))
    };
    let is_silent = foreign::failure(&error).is_some_and(|failed| nobody(&failed.stderr_tail));
    match is_silent {
        false => {
            Err(error).context("Caddy refuses its configuration").code(code::CONFIGURATION_REFUSED)
        }
        true if runs_with(&machine.local(config).display().to_string()) => {
            Err(fault!(code::NOT_RELOADED, "Caddy runs, but nothing answers at its admin endpoint"))
                .hint(
                    "its `admin` option must be the one that it was started with; restart it else",
                )
        }
        true => Ok(()),
    }
}

/// Whether a Caddy of this host was started with a configuration.
fn runs_with(config: &str) -> bool {
    Process::all().any(|process| is_caddy(&process.title(), config) && process.is_here())
}

fn is_caddy(title: &str, config: &str) -> bool {
    let mut words = title.split(' ');
    let program = words.next().and_then(|word| word.rsplit('/').next());
    let is_run = program == Some("caddy") && words.next() == Some("run");
    is_run && words.any(|word| word.trim_start_matches("--config=") == config)
}

impl Component for CaddyReload {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.config.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.resolved = Some(self.config.resolve(scope)?);
        Ok(())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let config = self.resolved.as_ref().context("the reload was not configured");
        let config = config.code(code::NOT_CONFIGURED)?;
        let _alone = machine.exclusive("caddy");
        load(machine, config, config, self.forced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caddy_is_known_by_how_it_was_started() {
        let is = |title: &str| is_caddy(title, "/etc/caddy/Caddyfile");
        assert!(is("/usr/bin/caddy run --environ --config /etc/caddy/Caddyfile"));
        assert!(is("caddy run --config=/etc/caddy/Caddyfile --adapter caddyfile"));
        assert!(!is("caddy run --config /srv/Caddyfile"));
        assert!(!is("caddy reload --config /etc/caddy/Caddyfile"));
        assert!(!is("vi run /etc/caddy/Caddyfile") && !is(""));
    }
}
