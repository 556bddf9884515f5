//! Statements run by `psql`, and what was read kept for all components of a kind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use togusa_core::demand;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::{ExecError, Snapshot};
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::postgres_cluster::PostgresCluster;

/// The database that is there on every server, for what belongs to none.
pub(super) const MAINTENANCE: &str = "postgres";

/// `psql` could not connect, or lost the connection.
const NO_CONNECTION: i32 = 2;

/// Something that one query finds out for all components of a kind.
pub(super) trait Facts: DeserializeOwned + Send + Sync + 'static {
    /// The query: one row with one column, in JSON.
    const QUERY: &'static str;
}

/// What was found out, by the command that asks.
struct Found<F>(Mutex<BTreeMap<String, Arc<F>>>);

impl<F: Facts> Snapshot for Found<F> {
    fn take(_: &Probe<'_>) -> Result<Self> {
        Ok(Self(Mutex::default()))
    }
}

/// What the query of a kind gives, asked at most once until something is changed.
pub(super) fn facts<F: Facts>(
    probe: &Probe<'_>,
    cluster: &PostgresCluster,
    database: &str,
) -> Result<Arc<F>> {
    let found = probe.snapshot::<Found<F>>()?;
    // Held while it is asked, so that others wait for the answer instead of asking too.
    let mut found = found.0.lock().unwrap_or_else(PoisonError::into_inner);
    let exec = cluster.psql(probe, database);
    let key = format!("{exec:?}");
    if let Some(facts) = found.get(&key) {
        return Ok(Arc::clone(facts));
    }
    check_user(probe, cluster)?;
    let output = remedied(cluster, probe.query(&exec.stdin(F::QUERY)))?;
    let name = cluster.name();
    demand!(
        !output.truncated,
        code::POSTGRES_ANSWER,
        "what PostgreSQL at `{name}` says of itself is too long"
    );
    let facts = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("cannot read what PostgreSQL at `{name}` says of itself"))
        .code(code::POSTGRES_ANSWER)
        .hint("is `psql` the program of PostgreSQL?")?;
    let facts = Arc::new(facts);
    found.insert(key, Arc::clone(&facts));
    Ok(facts)
}

/// Runs statements in a database, all of them or none.
pub(super) fn run_at_once(
    machine: &Machine<'_>,
    cluster: &PostgresCluster,
    database: &str,
    statements: &[String],
) -> Result {
    let around = |word: &str| std::iter::once(word.to_owned());
    let statements: Vec<_> =
        around("BEGIN").chain(statements.iter().cloned()).chain(around("COMMIT")).collect();
    run(machine, cluster, database, &statements)
}

/// Runs statements in a database, up to the first that fails.
pub(super) fn run(
    machine: &Machine<'_>,
    cluster: &PostgresCluster,
    database: &str,
    statements: &[String],
) -> Result {
    // Two databases at once cannot be made from one template, nor one role be changed twice.
    let _postgresql = machine.exclusive("postgresql");
    let script: String = statements.iter().map(|statement| format!("{statement};\n")).collect();
    remedied(cluster, machine.run(&cluster.psql(machine, database).stdin(script)))?;
    Ok(())
}

/// `sudo` says little about an account that is missing.
fn check_user(probe: &Probe<'_>, cluster: &PostgresCluster) -> Result {
    let Some(user) = cluster.runs_as() else { return Ok(()) };
    let there = probe
        .user_id(user)?
        .with_context(|| format!("there is no user `{user}`"))
        .code(code::NO_ACCOUNT);
    there.map(|_| ()).hint(
        "install PostgreSQL (Debian: package `postgresql`) in an earlier component, or say by \
         `.cluster(…)` how the server is reached",
    )
}

/// Adds what to do about it.
fn remedied<T>(cluster: &PostgresCluster, result: Result<T>) -> Result<T> {
    let Err(error) = result else { return result };
    let Some(failed) = error.downcast_ref::<ExecError>() else { return Err(error) };
    let name = cluster.name();
    let (message, hint) = match failed {
        ExecError::NotFound { .. } => (None, NO_PSQL),
        ExecError::Failed { failure, .. } => {
            let said = &failure.stderr_tail;
            if failure.code == Some(NO_CONNECTION) {
                (Some(format!("cannot connect to PostgreSQL at `{name}`")), NOT_REACHED)
            } else if said.contains("psql: command not found") {
                (Some("there is no program `psql`".into()), NO_PSQL)
            } else if said.contains("a password is required") {
                (Some(format!("may not work as user `{}`", failure.user)), NO_SUDO)
            } else if said.contains("for table pg_authid") {
                (Some("cannot read which passwords are set".into()), NO_SUPERUSER)
            } else if said.contains("is not available") {
                (Some(format!("PostgreSQL at `{name}` lacks it")), NO_EXTENSION)
            } else {
                return Err(error)
                    .with_context(|| format!("PostgreSQL at `{name}` refused it"))
                    .code(code::POSTGRES_ANSWER);
            }
        }
        _ => return Err(error),
    };
    let error = match message {
        Some(message) => error.context(message),
        None => error,
    };
    Err(error).hint(hint)
}

const NO_PSQL: &str = "install it in an earlier component (Debian: package `postgresql-client`)";
const NOT_REACHED: &str =
    "start the server in an earlier component, or say by `.cluster(…)` how it is reached";
const NO_SUDO: &str = "converge as root (`sudo = true`), let sudo become that user without a \
                       password, or say by `.cluster(…)` how the server is reached";
const NO_SUPERUSER: &str = "only a superuser may: give the cluster the `.user(…)` of one";
const NO_EXTENSION: &str =
    "install the package that has it, on the server's host, in an earlier component";
