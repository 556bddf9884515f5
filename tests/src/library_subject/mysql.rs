//! Roots of MariaDB and MySQL.

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .with::<Databases>("mysql-databases")
        .with::<Users>("mysql-users")
        .with::<Grant>("mysql-grant")
        .with::<Shop>("mysql-shop")
}

/// Databases that are all the same.
#[derive(Debug, Attributes)]
struct Databases {
    names: Vec<String>,
    character_set: Option<String>,
    collation: Option<String>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for Databases {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        for name in &self.names {
            let database = MysqlDatabase::new(name);
            set!(database: character_set = &self.character_set, collation = &self.collation);
            ask!(database: absent_losing_all_data if self.absent);
            scope.add(database);
        }
        Ok(())
    }
}

/// Accounts that are all the same.
#[derive(Debug, Attributes)]
struct Users {
    names: Vec<String>,
    host: Option<String>,
    password: Option<Secret>,
    #[attribute(default = false)]
    unix_socket: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for Users {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        for name in &self.names {
            let user = MysqlUser::new(name);
            set!(user: host = &self.host, password = &self.password);
            ask!(user: unix_socket if self.unix_socket, absent if self.absent);
            scope.add(user);
        }
        Ok(())
    }
}

/// Privileges in one place.
#[derive(Debug, Attributes)]
struct Grant {
    user: String,
    host: Option<String>,
    database: Option<String>,
    like: Option<String>,
    table: Option<String>,
    #[attribute(default = false)]
    everywhere: bool,
    #[attribute(default = Vec::new())]
    privileges: Vec<String>,
    #[attribute(default = false)]
    grant_option: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for Grant {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let grant = MysqlGrant::new(&self.user).privileges(&self.privileges);
        set!(grant: host = &self.host, database = &self.database, databases_like = &self.like);
        let grant = match (&self.database, &self.table) {
            (Some(database), Some(table)) => grant.table(database, table),
            _ => grant,
        };
        ask!(grant:
            everywhere if self.everywhere,
            grant_option if self.grant_option,
            absent if self.absent,
        );
        scope.add(grant);
        Ok(())
    }
}

/// A database with an account that may do everything there.
#[derive(Debug, Attributes)]
struct Shop {
    password: Secret,
}

impl Component for Shop {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let database = scope.add(MysqlDatabase::new("whole"));
        let user = scope.add(MysqlUser::new("whole").password(&self.password));
        let grant = MysqlGrant::new(user.name()).database(database.name());
        scope.add(grant.privileges(["ALL"]));
        Ok(())
    }
}
