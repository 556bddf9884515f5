//! The application of the shop, and the migrations that its database needs.
//!
//! Module `server` is what both have in common: the program, and how it reaches the database.

mod server;

use serde::{Deserialize, Serialize};
use shop_database::Postgres;
use togusa::prelude::*;

use server::Server;

/// The database has all that the application needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Schema {}

impl Resource for Schema {}

/// An application that pages can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backend {
    /// Where it listens.
    pub address: Address,
}

impl Resource for Backend {}

/// Brings the database to the state that the application needs, before any of them starts.
#[derive(Debug, Attributes)]
pub struct Migrations {}

impl Component for Migrations {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let database = scope.require_one::<Postgres>()?;
        scope.add(Server::new(&database, None));
        let migrate = Exec::new("./shop-server").arg("migrate");
        let check = Exec::new("./shop-server").arg("check");
        scope.add(Command::new(migrate).named("migrate").unless(check));
        scope.provide(Schema {});
        Ok(())
    }
}

/// One server of the application.
#[derive(Debug, Attributes)]
pub struct App {
    /// Port to listen on.
    #[attribute(default = 8080)]
    port: u16,
    /// What the page is called.
    #[attribute(default = "The shop")]
    title: String,
    /// User of the system that the server runs as, created if need be; default: who deploys.
    user: Option<String>,
}

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let database = scope.require_one::<Postgres>()?;
        scope.require_one::<Schema>()?;
        scope.add(self.user.as_ref().map(|user| User::new(user).system()));
        scope.add(Server::new(&database, self.user.clone()));
        let context = context! { title => self.title };
        scope.add(File::new("page.html").template("page.html.j2", context));

        let server = Program::new("shop-server", "./shop-server");
        let server = server.args(["serve", &format!("0.0.0.0:{}", self.port)]);
        let server = scope.on_any_change().add(self.user.iter().fold(server, Program::user));
        scope.add(WaitForHttp::new(format!("http://localhost:{}/health", self.port)));
        let log = Logrotate::new("shop-app").log(server.log_path());
        scope.add(log.directive("copytruncate"));

        scope.provide(Backend { address: scope.address(self.port) });
        Ok(())
    }
}
