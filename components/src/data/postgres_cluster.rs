//! How a PostgreSQL server is reached.

use std::borrow::Cow;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::File;
use crate::location::Location;

/// A PostgreSQL server with all its databases, as the other components of this module reach it.
///
/// The default, [`local`](Self::local), is the one that a distribution installs: `psql` runs as the
/// system's user `postgres`, which the server knows by the socket. Components that are to use another
/// one are given it by `.cluster(&cluster)`; it is added before them.
///
/// | attribute | default |
/// |---|---|
/// | `system_user` | of `local` `postgres`, else the converging user |
/// | `port` | 5432 |
/// | `user` | the role to log in as: `postgres` |
/// | `password` | none |
///
/// The role to log in as must be a superuser, because only those may read which passwords are set.
/// Working as another user of the system needs `sudo`. A password is kept in a private file of the
/// root's work directory, which `psql` reads; with one, `psql` runs as the converging user. All of
/// this needs `psql` on the host that converges (Debian: `postgresql-client`). A sandbox maps the
/// directory of a socket; what is changed is the server that is reached.
///
/// It is the way to a server, not the server, so that it cannot be absent.
///
/// **Needs**: `psql`; `sudo` to work as another user of the system.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// #[derive(Debug)]
/// struct Remote {
///     password: Secret,
/// }
///
/// impl Component for Remote {
///     fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
///         let cluster = PostgresCluster::at("db.example.org").user("admin").password(&self.password);
///         let cluster = scope.add(cluster);
///         scope.add(PostgresRole::new("shop").cluster(&cluster));
///         Ok(())
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresCluster {
    server: Server,
    system_user: Option<String>,
    port: u16,
    user: String,
    password: Option<Secret>,
    reached: Option<Reached>,
}

#[derive(Clone, Debug)]
enum Server {
    /// By the socket in the place that was compiled into `psql`.
    Local,
    /// By the socket in a directory.
    Socket(Location),
    /// Over the network.
    Host(String),
}

/// What is known once it was added.
#[derive(Clone, Debug)]
struct Reached {
    socket: Option<HostPath>,
    password_file: Option<HostPath>,
}

impl PostgresCluster {
    /// The server of this host, reached as the system's user `postgres`.
    pub fn local() -> Self {
        Self {
            server: Server::Local,
            system_user: Some("postgres".into()),
            port: 5432,
            user: "postgres".into(),
            password: None,
            reached: None,
        }
    }

    /// A server whose socket lies in a directory, reached as the converging user.
    pub fn socket(directory: impl Into<Location>) -> Self {
        Self { server: Server::Socket(directory.into()), system_user: None, ..Self::local() }
    }

    /// A server at a host name or an address, reached as the converging user.
    pub fn at(host: impl Into<String>) -> Self {
        Self { server: Server::Host(host.into()), system_user: None, ..Self::local() }
    }

    /// Sets the user of the system that `psql` runs as.
    #[must_use]
    pub fn system_user(mut self, name: impl Into<String>) -> Self {
        self.system_user = Some(name.into());
        self
    }

    /// Sets the port; of a socket it is a part of its name.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the role to log in as.
    #[must_use]
    pub fn user(mut self, role: impl Into<String>) -> Self {
        self.user = role.into();
        self
    }

    /// Sets the password of that role.
    #[must_use]
    pub fn password(mut self, password: &Secret) -> Self {
        self.password = Some(password.clone());
        self.system_user = None;
        self
    }

    /// Whether nothing more has to be found out than what it was told.
    fn is_plain(&self) -> bool {
        matches!(self.server, Server::Local) && self.password.is_none()
    }

    /// Refuses to be used before it was added.
    pub(super) fn check_added(&self) -> Result {
        if self.reached.is_some() || self.is_plain() {
            return Ok(());
        }
        Err(fault!(code::CLUSTER_NOT_ADDED, "the cluster `{}` was not added", self.name())).hint(
            "`let cluster = scope.add(PostgresCluster::…);` before the components that use it",
        )
    }

    /// Server and port, as messages name them.
    pub(super) fn name(&self) -> String {
        let port = self.port;
        match &self.server {
            Server::Local => format!("local:{port}"),
            Server::Socket(directory) => format!("{}:{port}", directory.as_str()),
            Server::Host(host) if host.contains(':') => format!("[{host}]:{port}"),
            Server::Host(host) => format!("{host}:{port}"),
        }
    }

    /// The user of the system that is asked for.
    pub(super) fn runs_as(&self) -> Option<&str> {
        self.system_user.as_deref()
    }

    /// A command that reads statements for a database from its standard input.
    pub(super) fn psql(&self, probe: &Probe<'_>, database: &str) -> Exec {
        let port = self.port.to_string();
        let mut exec = Exec::new("psql")
            .args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"])
            .args(["-p", &port, "-U", &self.user, "-d", database])
            .env("PGCLIENTENCODING", "UTF8")
            // Another user may not enter the home directory, and says so.
            .directory(&HostPath::new(&probe.host().name, "/"));
        let reached = self.reached.as_ref();
        let socket = reached.and_then(|reached| reached.socket.as_ref());
        match (&self.server, socket) {
            (Server::Host(host), _) => exec = exec.args(["-h", host]),
            (_, Some(path)) => exec = exec.args(["-h", &probe.local(path).to_string_lossy()]),
            (_, None) => {}
        }
        if let Some(file) = reached.and_then(|reached| reached.password_file.as_ref()) {
            exec = exec.env("PGPASSFILE", probe.local(file).to_string_lossy());
        }
        match &self.system_user {
            Some(user) => exec.user(user),
            None => exec,
        }
    }
}

impl Default for PostgresCluster {
    fn default() -> Self {
        Self::local()
    }
}

impl Component for PostgresCluster {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let socket = match &self.server {
            Server::Socket(directory) => Some(directory.resolve(scope)?),
            Server::Local | Server::Host(_) => None,
        };
        if self.password.is_some() && self.system_user.is_some() {
            return Err(fault!(code::OPTIONS_CLASH, "it has both a password and a system user"))
                .hint("with a password psql runs as the converging user; leave one of them out");
        }
        let password_file = self.password.as_ref().map(|password| {
            let name = self.name().replace(['/', '~', ' ', ':'], "-");
            let line = password_line(password)?;
            Ok::<_, anyhow::Error>(scope.add(File::new(format!("pgpass-{name}")).content(line)))
        });
        let password_file = password_file.transpose()?.map(|file| file.path().clone());
        self.reached = Some(Reached { socket, password_file });
        Ok(())
    }
}

/// A line of a password file, which holds for whatever is connected to: one `psql` reads it.
fn password_line(password: &Secret) -> Result<Secret> {
    let password = password.expose();
    demand!(
        !password.contains(['\n', '\r', '\0']),
        code::OPTION_VALUE,
        "the password is no single line"
    );
    let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
    Ok(Secret::new(format!("*:*:*:*:{escaped}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_escapes_what_separates() {
        let line =
            |password: &str| password_line(&Secret::new(password)).map(|s| s.expose().clone());
        assert_eq!(line("a b#c").unwrap(), "*:*:*:*:a b#c\n");
        assert_eq!(line(r"a:b\c").unwrap(), "*:*:*:*:a\\:b\\\\c\n");
        assert!(line("a\nb").is_err());
    }

    #[test]
    fn a_name_tells_servers_apart() {
        let names = [
            PostgresCluster::local(),
            PostgresCluster::socket("run").port(5433),
            PostgresCluster::at("db"),
            PostgresCluster::at("::1").port(1),
        ];
        let names = names.map(|cluster| cluster.name());
        assert_eq!(names, ["local:5432", "run:5433", "db:5432", "[::1]:1"]);
    }
}
