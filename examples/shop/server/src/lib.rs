//! The application of the shop: one page over HTTP, made of a database.
//!
//! | module | what it does |
//! |---|---|
//! | `http` | answers requests |
//! | `migrations` | brings the database to the state that this version needs |
//! | `page` | what the goods look like |

mod http;
mod migrations;
mod page;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use postgres::{Client, NoTls};

/// Runs the command line: `serve ADDRESS`, `migrate` or `check`, in a directory with `database.conf`
/// and, to serve, `page.html`.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["serve", address] => http::serve(address),
        ["migrate"] => connect().and_then(|mut database| migrations::run(&mut database)),
        ["check"] => connect().and_then(|mut database| migrations::check(&mut database)),
        _ => Err(anyhow::anyhow!("usage: shop-server serve ADDRESS | migrate | check")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Connects as `database.conf` says.
fn connect() -> Result<Client> {
    let settings = fs::read_to_string("database.conf").context("cannot read `database.conf`")?;
    Client::connect(settings.trim(), NoTls).context("cannot connect to the database")
}

/// Says something in the log.
#[expect(clippy::print_stderr, reason = "the standard error of the server is its log")]
fn log(text: &str) {
    eprintln!("{text}");
}
