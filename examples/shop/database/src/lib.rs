//! The database of the shop.
//!
//! | module | what it looks after |
//! |---|---|
//! | `server` | a PostgreSQL server of its own |
//! | `backup` | a dump every night |

mod backup;
mod server;

use serde::{Deserialize, Serialize};
use togusa::prelude::*;

use backup::Backup;
use server::{HOME, Server};

/// How the shop's database is reached, and by whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Postgres {
    /// Where the server listens.
    pub address: Address,
    /// The name of the database, and of the role that owns it.
    pub name: String,
    /// The password of that role.
    pub password: Secret,
}

impl Resource for Postgres {}

/// A PostgreSQL server with the shop's database, and a backup of it every night.
#[derive(Debug, Attributes)]
pub struct Database {
    /// Port to listen on; Debian's own server has the usual one.
    #[attribute(default = 5433)]
    port: u16,
    /// Password of the role that the application logs in as.
    password: Secret,
    /// User of the system that the server runs as; default: who deploys.
    user: Option<String>,
    /// Version of the server, as Debian names it.
    #[attribute(default = 15)]
    version: u16,
}

impl Component for Database {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let (port, user) = (self.port, self.user.clone());
        scope.add(Server { port, user: user.clone(), version: self.version });
        let cluster = scope.add(PostgresCluster::socket(HOME).port(port));
        scope.add(PostgresRole::new("shop").password(&self.password).cluster(&cluster));
        let database = PostgresDatabase::new("shop").owner("shop").encoding("UTF8");
        scope.add(database.revoke("PUBLIC", ["CONNECT", "TEMPORARY"]).cluster(&cluster));
        scope.add(Backup { port, user });
        let (address, name) = (scope.address(port), "shop".to_owned());
        scope.provide(Postgres { address, name, password: self.password.clone() });
        Ok(())
    }
}
