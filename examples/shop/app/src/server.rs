//! What the application and its migrations have in common.

use shop_database::Postgres;
use togusa::prelude::*;

/// The application's program in the work directory, and how it reaches the database.
#[derive(Debug)]
pub struct Server {
    database: Postgres,
    user: Option<String>,
}

impl Server {
    /// The program for a user of the system, who alone may read the password.
    pub fn new(database: &Postgres, user: Option<String>) -> Self {
        Self { database: database.clone(), user }
    }
}

impl Component for Server {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(File::new("shop-server").binary().mode(0o755));
        let context = context! { database => self.database };
        let conf = File::new("database.conf").template("database.conf.j2", context);
        scope.add(self.user.iter().fold(conf, File::owner));
        Ok(())
    }
}
