//! Roots of PostgreSQL. Where the host's data names a server, they reach it over the network.

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry.with::<Roles>("role").with::<ADatabase>("database").with::<AnExtension>("extension")
}

/// The server that the host's data names.
fn cluster(scope: &mut Scope<'_>) -> Result<PostgresCluster> {
    if let Some(directory) = scope.data::<String>("socket")? {
        let user: String = scope.data("user")?.context("no user")?;
        return Ok((*scope.add(PostgresCluster::socket(directory).user(user))).clone());
    }
    let Some(server) = scope.data::<String>("server")? else { return Ok(PostgresCluster::local()) };
    let user: String = scope.data("user")?.context("no user")?;
    let password: Secret = scope.data("password")?.context("no password")?;
    let cluster = PostgresCluster::at(server).user(user).password(&password);
    Ok((*scope.add(cluster)).clone())
}

/// Roles that are all the same.
#[derive(Debug, Attributes)]
struct Roles {
    roles: Vec<String>,
    password: Option<Secret>,
    valid_until: Option<String>,
    connection_limit: Option<u16>,
    #[attribute(default = Vec::new())]
    member_of: Vec<String>,
    /// Names of methods that take nothing.
    #[attribute(default = Vec::new())]
    is: Vec<String>,
}

impl Component for Roles {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let cluster = cluster(scope)?;
        for name in &self.roles {
            let role = PostgresRole::new(name).cluster(&cluster).member_of(&self.member_of);
            set!(role:
                password = &self.password,
                valid_until = &self.valid_until,
                connection_limit = self.connection_limit,
            );
            let with = |role: PostgresRole, word: &String| {
                Ok(match word.as_str() {
                    "absent" => role.absent(),
                    "no_password" => role.no_password(),
                    "no_login" => role.no_login(),
                    "superuser" => role.superuser(),
                    "createdb" => role.createdb(),
                    "createrole" => role.createrole(),
                    "replication" => role.replication(),
                    "bypass_rls" => role.bypass_rls(),
                    "no_other_memberships" => role.no_other_memberships(),
                    _ => bail!("a role has no `{word}`"),
                })
            };
            scope.add(self.is.iter().try_fold(role, with)?);
        }
        Ok(())
    }
}

/// One database.
#[derive(Debug, Attributes)]
struct ADatabase {
    database: String,
    owner: Option<String>,
    encoding: Option<String>,
    locale: Option<String>,
    template: Option<String>,
    connection_limit: Option<u16>,
    #[attribute(default = Vec::new())]
    readers: Vec<String>,
    #[attribute(default = false)]
    closed: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for ADatabase {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let cluster = cluster(scope)?;
        let database = PostgresDatabase::new(&self.database).cluster(&cluster);
        set!(database:
            owner = &self.owner,
            encoding = &self.encoding,
            locale = &self.locale,
            template = &self.template,
            connection_limit = self.connection_limit,
        );
        let mut database = database;
        for reader in &self.readers {
            database = database.grant(reader, ["CONNECT"]);
        }
        if self.closed {
            database = database.revoke("PUBLIC", ["CONNECT", "TEMPORARY"]);
        }
        ask!(database: absent_losing_all_data if self.absent);
        scope.add(database);
        Ok(())
    }
}

/// One extension.
#[derive(Debug, Attributes)]
struct AnExtension {
    extension: String,
    database: String,
    schema: Option<String>,
    version: Option<String>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AnExtension {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let cluster = cluster(scope)?;
        let extension = PostgresExtension::new(&self.extension, &self.database);
        let extension = extension.cluster(&cluster);
        set!(extension: schema = &self.schema, version = &self.version);
        ask!(extension: absent if self.absent);
        scope.add(extension);
        Ok(())
    }
}
