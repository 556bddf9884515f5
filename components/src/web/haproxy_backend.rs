//! Backends of HAProxy.

mod lines;
mod section;

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::foreign;
use crate::location::Location;

use super::servers::Servers;
use super::workers::{Master, Workers};

use section::Section;

/// A backend of HAProxy, with its servers.
///
/// It is a section of its own, between two comments in `haproxy.cfg`, beside those of other roots
/// and what the package wrote; so that file must not be a [`File`](crate::File) at the same time.
/// With [`include_directory`](Self::include_directory) it is a file of its own instead, for an
/// HAProxy that is started with that directory as a second `-f`.
///
/// | attribute | default |
/// |---|---|
/// | `server`, `server_of` | at least one, in the order in which they are added |
/// | `drain_timeout` | 30 s |
/// | `mode` | what the `defaults` of the configuration say |
/// | `balance` | `roundrobin` |
/// | `unchecked` | no: each server is checked |
/// | `option` | none: any other line of the section |
/// | `listen` | none; with a port it is a whole `listen` section, which needs no frontend |
/// | `config` | `/etc/haproxy/haproxy.cfg` |
/// | `include_directory` | none |
/// | `pid_file` | `/run/haproxy.pid` |
///
/// `verify` compares the section. `update` tests the whole configuration with the new section in it
/// (`haproxy -c`) before anything is changed; one that HAProxy refuses leaves the old in place. Then
/// it is written, and HAProxy reloads, which is seen by its new workers: it must run as a master with
/// workers (`-W` or `-Ws`, as packages start it); one that does not run is left alone.
///
/// A server that is added by [`server_of`](Self::server_of) belongs to the provider of a value. While
/// that is updated by a rollout, its line ends in `disabled # togusa: drained`, which `verify` takes for
/// right, and no other `disabled` is ever taken away. For that the line is changed in the section as it
/// is on the host, the configuration is tested, and HAProxy reloads: workers of before answer what they
/// were asked, new ones ask the server nothing. It is waited until the workers of before are gone, or
/// no connection from the host to the server was open for a second; after `drain_timeout` the server
/// counts as drained all the same, and a line of output says so. From 2.5 on HAProxy hands its
/// listening sockets to the new workers by itself, so that none refuses a connection; an older one
/// needs `expose-fd listeners` at a `stats socket` of the `global` section, as packages have it.
/// Connections that are idle at a reload are closed by HAProxy, as clients expect.
///
/// It needs `haproxy`, and the right to write there and to signal it: root usually.
///
/// **Needs**: `haproxy`; root usually; `getent` for servers by name.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
/// struct App {
///     address: Address,
/// }
/// impl Resource for App {}
///
/// #[derive(Debug)]
/// struct Balancer {
///     reports: Address,
/// }
///
/// impl Component for Balancer {
///     fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
///         let apps = scope.require_all::<App>()?;
///         let shop = HaproxyBackend::new("shop").listen(80).option("option httpchk GET /health");
///         let servers = apps.iter();
///         let shop = servers.fold(shop, |shop, app| {
///             shop.server_of(app, app.host().as_str(), &app.address)
///         });
///         scope.add(shop);
///         scope.add(HaproxyBackend::new("reports").server("reports", &self.reports));
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug)]
pub struct HaproxyBackend {
    name: String,
    servers: Vec<(String, String)>,
    owned: Servers,
    mode: Option<String>,
    balance: String,
    checked: bool,
    options: Vec<String>,
    listen: Option<u16>,
    config: Location,
    include_directory: Option<Location>,
    pid_file: Location,
    absent: bool,
}

impl HaproxyBackend {
    /// A backend by its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            servers: Vec::new(),
            owned: Servers::default(),
            mode: None,
            balance: "roundrobin".into(),
            checked: true,
            options: Vec::new(),
            listen: None,
            config: "/etc/haproxy/haproxy.cfg".into(),
            include_directory: None,
            pid_file: "/run/haproxy.pid".into(),
            absent: false,
        }
    }

    /// Adds a server, by a name and an address.
    #[must_use]
    pub fn server(mut self, name: impl Into<String>, address: &Address) -> Self {
        self.servers.push((name.into(), address.to_string()));
        self
    }

    /// Adds a server that belongs to the provider of a value, and is taken out of use while that is
    /// updated by a rollout.
    #[must_use]
    pub fn server_of<R>(
        mut self,
        required: &Required<R>,
        name: impl Into<String>,
        address: &Address,
    ) -> Self {
        self.owned.add(required.provider(), address);
        self.server(name, address)
    }

    /// Sets how long it is waited until nothing is under way to a server that is taken out of use.
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.owned.set_timeout(timeout);
        self
    }

    /// Sets what it carries: `http` or `tcp`.
    #[must_use]
    pub fn mode(mut self, mode: impl Into<String>) -> Self {
        self.mode = Some(mode.into());
        self
    }

    /// Sets how a server is chosen: `leastconn`, `source`, …
    #[must_use]
    pub fn balance(mut self, algorithm: impl Into<String>) -> Self {
        self.balance = algorithm.into();
        self
    }

    /// Takes all servers for healthy.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.checked = false;
        self
    }

    /// Adds a line to the section.
    #[must_use]
    pub fn option(mut self, line: impl Into<String>) -> Self {
        self.options.push(line.into());
        self
    }

    /// Lets it listen on a port itself.
    #[must_use]
    pub fn listen(mut self, port: u16) -> Self {
        self.listen = Some(port);
        self
    }

    /// Sets the configuration that HAProxy is run with.
    #[must_use]
    pub fn config(mut self, path: impl Into<Location>) -> Self {
        self.config = path.into();
        self
    }

    /// Makes it a file in a directory that HAProxy is run with beside its configuration.
    #[must_use]
    pub fn include_directory(mut self, path: impl Into<Location>) -> Self {
        self.include_directory = Some(path.into());
        self
    }

    /// Sets the file that tells the number of the master.
    #[must_use]
    pub fn pid_file(mut self, path: impl Into<Location>) -> Self {
        self.pid_file = path.into();
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn text(&self) -> String {
        let kind = if self.listen.is_some() { "listen" } else { "backend" };
        let mut lines = vec![format!("{kind} {}", self.name)];
        lines.extend(self.listen.map(|port| format!("    bind :::{port} v4v6")));
        lines.extend(self.mode.as_ref().map(|mode| format!("    mode {mode}")));
        lines.push(format!("    balance {}", self.balance));
        lines.extend(self.options.iter().map(|option| format!("    {option}")));
        let check = if self.checked { " check" } else { "" };
        let server = |(name, address)| format!("    server {name} {address}{check}");
        lines.extend(self.servers.iter().map(|(name, address)| server((name, address))));
        lines.join("\n") + "\n"
    }

    fn check(&self) -> Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let names = [&self.name].into_iter().chain(self.servers.iter().map(|(name, _)| name));
        for name in names {
            let is_name = !name.is_empty() && name.chars().all(plain);
            demand!(is_name, code::NOT_A_NAME, "`{name}` is no name of HAProxy");
        }
        let lines = self.options.iter().chain(&self.mode).chain([&self.balance]);
        demand!(
            !lines.clone().any(|line| line.contains('\n')),
            code::OPTION_VALUE,
            "a line holds a line break"
        );
        if self.servers.is_empty() && !self.absent {
            return Err(fault!(code::OPTION_MISSING, "the backend has no server"))
                .hint("add one by `.server(…)`");
        }
        Ok(())
    }
}

impl Component for HaproxyBackend {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        let config = self.config.resolve(scope)?;
        let pid_file = self.pid_file.resolve(scope)?;
        let directory = self.include_directory.as_ref().map(|path| path.resolve(scope));
        let text = (!self.absent).then(|| self.text());
        scope.manages("haproxy-backend", self.name.clone());
        let section = scope.add(Section {
            name: self.name.clone(),
            text,
            config,
            directory: directory.transpose()?,
            pid_file: pid_file.clone(),
            servers: std::mem::take(&mut self.owned),
        });
        scope.on_change(&section).add(Reload { pid_file });
        Ok(())
    }
}

/// HAProxy uses what its files say.
#[derive(Debug)]
struct Reload {
    pid_file: HostPath,
}

impl Component for Reload {
    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = machine.exclusive("haproxy");
        reload(machine, &self.pid_file).map(|_| ())
    }
}

/// Has HAProxy use what its files say. Gives the workers of before; nothing where it does not run.
fn reload(machine: &Machine<'_>, pid_file: &HostPath) -> Result<Option<Workers>> {
    let Some(master) = Master::find(machine, pid_file, "haproxy")? else { return Ok(None) };
    let signal = Exec::shell(format!("kill -s USR2 {}", master.pid()));
    master.reload(machine, "HAProxy", &signal, false).map(Some)
}

/// HAProxy as it tests its configuration.
fn haproxy(arguments: &[String]) -> Exec {
    foreign::program("haproxy").arg("-c").args(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_has_its_servers_in_order() {
        let address = |host: &str| Address { host: host.into(), port: 8080 };
        let shop = HaproxyBackend::new("shop").server("b", &address("10.0.0.2"));
        let shop = shop.server("a", &address("::1")).option("option httpchk").mode("http");
        assert_eq!(
            shop.text(),
            "backend shop\n    mode http\n    balance roundrobin\n    option httpchk\n    \
             server b 10.0.0.2:8080 check\n    server a [::1]:8080 check\n"
        );
        let alone = HaproxyBackend::new("x").listen(80).server("a", &address("a")).unchecked();
        let expected =
            "listen x\n    bind :::80 v4v6\n    balance roundrobin\n    server a a:8080\n";
        assert_eq!(alone.text(), expected);
    }
}
