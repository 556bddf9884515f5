//! A PostgreSQL server of the shop's own.

use togusa::prelude::*;

/// Where the server lives, below the work directory. Its user alone may enter, and so reach the
/// socket, which asks for no password.
pub const HOME: &str = "server";

/// A server that runs, with its own data.
#[derive(Debug)]
pub struct Server {
    pub port: u16,
    pub user: Option<String>,
    pub version: u16,
}

impl Component for Server {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add_on("debian", Apt::new("postgresql"));
        let programs = format!("/usr/lib/postgresql/{}/bin", self.version);
        let home = Directory::new(HOME).mode(0o700);
        let home = scope.add(self.user.iter().fold(home, Directory::owner));
        let initdb = Exec::new(format!("{programs}/initdb"));
        let initdb = initdb.args(["--username=postgres", "--auth=trust", "data"]);
        let initdb = Command::new(self.user.iter().fold(initdb, Exec::user)).named("initdb");
        scope.add(initdb.directory(home.path()).creates("server/data/PG_VERSION"));
        let context = context! { home => home.path(), port => self.port };
        scope.add(File::new("server/postgresql.conf").template("postgresql.conf.j2", context));
        scope.add(File::new("server/pg_hba.conf"));

        let ready = Exec::new(format!("{programs}/pg_isready"));
        let server = Program::new("postgres", format!("{programs}/postgres"))
            .args(["-D", "data", "-c", "config_file=postgresql.conf"])
            .directory(home.path())
            .stop_signal("INT")
            .ready_when(ready.args(["--host=localhost", &format!("--port={}", self.port)]));
        let server = scope.on_any_change().add(self.user.iter().fold(server, Program::user));
        let log = Logrotate::new("shop-database").log(server.log_path());
        scope.add(log.directive("copytruncate"));
        Ok(())
    }
}
