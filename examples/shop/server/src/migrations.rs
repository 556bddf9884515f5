//! Migrations: each runs once, in the order of their numbers.

use anyhow::{Context as _, Result, ensure};
use postgres::Client;

const ALL: [&str; 2] =
    [include_str!("../migrations/1-goods.sql"), include_str!("../migrations/2-stock.sql")];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY)";

/// Runs those that are missing, each with its note in one transaction.
pub fn run(database: &mut Client) -> Result<()> {
    database.batch_execute(TABLE)?;
    for (number, migration) in (1..).zip(ALL) {
        let mut transaction = database.transaction()?;
        // Whoever else migrates waits here.
        transaction.batch_execute("LOCK TABLE migrations")?;
        let row = transaction.query_opt("SELECT FROM migrations WHERE number = $1", &[&number])?;
        if row.is_none() {
            crate::log(&format!("migration {number}"));
            let run = transaction.batch_execute(migration);
            run.with_context(|| format!("migration {number} failed"))?;
            transaction.execute("INSERT INTO migrations VALUES ($1)", &[&number])?;
        }
        transaction.commit()?;
    }
    Ok(())
}

/// Fails if one is missing.
pub fn check(database: &mut Client) -> Result<()> {
    let there = database.query_one("SELECT to_regclass('migrations') IS NOT NULL", &[])?.get(0);
    let count = "SELECT count(*) FROM migrations";
    let done: i64 = if there { database.query_one(count, &[])?.get(0) } else { 0 };
    ensure!(usize::try_from(done)? >= ALL.len(), "{done} of {} migrations have run", ALL.len());
    Ok(())
}
