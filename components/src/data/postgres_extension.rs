//! Extensions of PostgreSQL.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use togusa_core::prelude::*;

use super::postgres_cluster::PostgresCluster;
use super::psql::{self, Facts};
use super::sql::{check_name, identifier, literal};

/// One extension in one database.
///
/// | attribute | default |
/// |---|---|
/// | `schema` | of a new extension the first of the search path, or its own; else left as it is |
/// | `version` | of a new extension the server's newest; else left as it is |
/// | `cluster` | [`PostgresCluster::local`] |
///
/// `verify` reads all extensions of the database by one query. `update` creates the extension, moves
/// it to another schema or updates it to another version, in one transaction. The server must have
/// the extension's files (Debian: those of `postgresql` itself, or a package such as
/// `postgresql-15-postgis-3`), and a schema that is named must be there. It needs `psql`, and the
/// privileges that [`PostgresCluster`] tells of.
///
/// **Needs**: `psql`; to be `postgres`, or a login.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let shop = scope.add(PostgresDatabase::new("shop"));
///     scope.add(PostgresExtension::new("pg_trgm", shop.name()).schema("public"));
///     scope.add(PostgresExtension::new("hstore", shop.name()).absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct PostgresExtension {
    name: String,
    database: String,
    cluster: PostgresCluster,
    absent: bool,
    schema: Option<String>,
    version: Option<String>,
}

/// All extensions of a database.
type Extensions = BTreeMap<String, Extension>;

/// An extension that is there.
#[derive(Deserialize)]
struct Extension {
    version: String,
    schema: String,
}

impl Facts for Extensions {
    const QUERY: &'static str = "\
SELECT coalesce(json_object_agg(e.extname, json_build_object(
    'version', e.extversion, 'schema', n.nspname)), '{}')
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace";
}

impl PostgresExtension {
    /// An extension in a database.
    pub fn new(name: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            database: database.into(),
            cluster: PostgresCluster::default(),
            absent: false,
            schema: None,
            version: None,
        }
    }

    /// Drops it. Where something depends on it, that is an error.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Sets the schema that its objects lie in.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Sets the version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets the server of the database.
    #[must_use]
    pub fn cluster(mut self, cluster: &PostgresCluster) -> Self {
        self.cluster = cluster.clone();
        self
    }

    /// Every difference with the statement that mends it.
    fn differences(&self, extensions: &Extensions) -> Vec<(Change, String)> {
        let extension = identifier(&self.name);
        let present = extensions.get(&self.name);
        if self.absent {
            let drop = (Change::remove("extension"), format!("DROP EXTENSION {extension}"));
            return present.map(|_| drop).into_iter().collect();
        }
        let schema = self.schema.as_deref();
        let version = self.version.as_deref();
        let Some(present) = present else {
            let in_schema = schema.map(|schema| format!(" SCHEMA {}", identifier(schema)));
            let of_version = version.map(|version| format!(" VERSION {}", literal(version)));
            let options: String = in_schema.into_iter().chain(of_version).collect();
            let parts = [("schema", schema), ("version", version)].into_iter();
            let parts = parts.filter_map(|(what, value)| Some(format!("{what} {}", value?)));
            let parts = parts.collect::<Vec<_>>().join(", ");
            let parts = if parts.is_empty() { parts } else { format!(" ({parts})") };
            let create = Change::create(format!("extension{parts}"));
            return vec![(create, format!("CREATE EXTENSION {extension}{options}"))];
        };
        let mut found = Vec::new();
        if let Some(version) = version.filter(|version| *version != present.version) {
            let change = Change::property("version", &present.version, version);
            found.push((
                change,
                format!("ALTER EXTENSION {extension} UPDATE TO {}", literal(version)),
            ));
        }
        if let Some(schema) = schema.filter(|schema| *schema != present.schema) {
            let change = Change::property("schema", &present.schema, schema);
            found.push((
                change,
                format!("ALTER EXTENSION {extension} SET SCHEMA {}", identifier(schema)),
            ));
        }
        found
    }
}

impl Component for PostgresExtension {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(format!("{}/{}", self.database, self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        check_name("extension", &self.name)?;
        check_name("database", &self.database)?;
        self.schema.iter().try_for_each(|schema| check_name("schema", schema))?;
        self.cluster.check_added()?;
        let (server, Self { database, name, .. }) = (self.cluster.name(), &*self);
        scope.manages("postgres-extension", format!("{server}/{database}/{name}"));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let extensions = psql::facts::<Extensions>(probe, &self.cluster, &self.database)?;
        Ok(self.differences(&extensions).into_iter().map(|(change, _)| change).collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let extensions = psql::facts::<Extensions>(machine, &self.cluster, &self.database)?;
        let statements = self.differences(&extensions).into_iter().map(|(_, statement)| statement);
        psql::run_at_once(machine, &self.cluster, &self.database, &statements.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests;
