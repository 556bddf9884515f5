//! Having nginx use what its files say.

use std::borrow::Cow;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;
use crate::location::Location;

use super::workers::{Master, Workers};

/// nginx uses what its files say.
///
/// It does nothing by itself: a trigger moves it. [`NginxSite`](super::NginxSite) brings one of its
/// own; with many sites at once, one for all of them does. The whole configuration is tested, nginx
/// is told to reload it, and then there must be workers that were not there before. An nginx that
/// does not run needs none of that: it reads its files when it is started.
///
/// | attribute | default |
/// |---|---|
/// | `config` | `/etc/nginx/nginx.conf` |
/// | `pid_file` | what the configuration says, else what nginx was built with |
///
/// It needs `nginx`, and the right to signal it.
///
/// It leaves nothing on the host that could be absent.
///
/// **Needs**: `nginx`; the right to signal it.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(File::new("/etc/nginx/conf.d/gzip.conf").content("gzip_types text/css;\n"));
///     scope.add(NginxSite::new("shop").content("server { listen 80; }\n").without_reload());
///     scope.on_any_change().add(NginxReload::new());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct NginxReload {
    config: Location,
    pid_file: Option<Location>,
    resolved: Option<(HostPath, Option<HostPath>)>,
}

impl Default for NginxReload {
    fn default() -> Self {
        Self::new()
    }
}

impl NginxReload {
    /// The reload of the nginx of the system.
    pub fn new() -> Self {
        Self { config: "/etc/nginx/nginx.conf".into(), pid_file: None, resolved: None }
    }

    /// Sets the configuration that nginx is run with.
    #[must_use]
    pub fn config(mut self, path: impl Into<Location>) -> Self {
        self.config = path.into();
        self
    }

    /// Sets the file that tells the number of the master.
    #[must_use]
    pub fn pid_file(mut self, path: impl Into<Location>) -> Self {
        self.pid_file = Some(path.into());
        self
    }
}

/// nginx with a configuration.
pub(super) fn nginx(probe: &Probe<'_>, config: &HostPath) -> Exec {
    let config = probe.local(config).display().to_string();
    foreign::program("nginx").args(["-c", &config])
}

/// Tests a whole configuration.
pub(super) fn test(machine: &Machine<'_>, config: &HostPath) -> Result {
    let tested = machine.run(&nginx(machine, config).args(["-q", "-t"]));
    foreign::of_package(tested, "nginx")
        .context("nginx refuses its configuration")
        .code(code::CONFIGURATION_REFUSED)
        .map(|_| ())
}

/// Has nginx use what its files say. Gives the workers of before; nothing where it does not run.
pub(super) fn reload(
    machine: &Machine<'_>,
    config: &HostPath,
    given: Option<&HostPath>,
) -> Result<Option<Workers>> {
    test(machine, config)?;
    let pid_file = match given {
        Some(given) => given.clone(),
        None => pid_file(machine, config)?,
    };
    let Some(master) = Master::find(machine, &pid_file, "nginx")? else { return Ok(None) };
    let signal = Exec::shell(format!("kill -s HUP {}", master.pid()));
    master.reload(machine, "nginx", &signal, true).map(Some)
}

/// Where a configuration, with all that it includes, has the number of the master written; else
/// where nginx was built to write it.
fn pid_file(probe: &Probe<'_>, config: &HostPath) -> Result<HostPath> {
    let ask = |args: &[&str]| {
        let exec = nginx(probe, config).args(args.iter().copied()).sensitive();
        foreign::of_package(probe.query(&exec), "nginx")
    };
    let found = given_pid(&ask(&["-q", "-T"])?.stdout_text());
    let path = match found {
        Some(path) => path,
        None => built_pid(&ask(&["-V"])?.stderr_text()).unwrap_or("/run/nginx.pid".into()),
    };
    if !path.starts_with('/') {
        return Err(fault!(
            code::NGINX_PID,
            "`pid {path}` counts from the directory nginx was built for"
        ))
        .hint("name the file by `.pid_file(…)`");
    }
    Ok(HostPath::new(config.host(), path))
}

fn given_pid(dump: &str) -> Option<String> {
    dump.lines().find_map(|line| {
        let path = line.trim().strip_prefix("pid")?.strip_prefix([' ', '\t'])?;
        Some(path.split(';').next()?.trim().to_owned())
    })
}

fn built_pid(told: &str) -> Option<String> {
    told.split_whitespace().find_map(|word| word.strip_prefix("--pid-path=")).map(str::to_owned)
}

impl Component for NginxReload {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.config.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let pid_file = self.pid_file.as_ref().map(|path| path.resolve(scope)).transpose()?;
        self.resolved = Some((self.config.resolve(scope)?, pid_file));
        Ok(())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let (config, given) = self
            .resolved
            .as_ref()
            .context("the reload was not configured")
            .code(code::NOT_CONFIGURED)?;
        let _alone = machine.exclusive("nginx");
        reload(machine, config, given.as_ref()).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_the_master_is_found_where_nginx_writes_it() {
        let dump =
            "# configuration file /etc/nginx/nginx.conf:\n#pid /no;\n pid  /run/x.pid; # x\n";
        assert_eq!(given_pid(dump).as_deref(), Some("/run/x.pid"));
        assert_eq!(given_pid("pidx /y;\n"), None);
        let told =
            "nginx version: nginx/1.22.1\nconfigure arguments: --a='b c' --pid-path=/run/n.pid";
        assert_eq!(built_pid(told).as_deref(), Some("/run/n.pid"));
    }
}
