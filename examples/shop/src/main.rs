//! A web shop: nginx in front of an application, which keeps its goods in PostgreSQL.

use std::process::ExitCode;

use togusa::prelude::*;

fn main() -> ExitCode {
    let registry = Registry::new()
        .with::<shop_database::Database>("database")
        .with::<shop_app::Migrations>("migrations")
        .with::<shop_app::App>("app")
        .with::<shop_web::Web>("web");
    Cli::new(registry).project("shop").run()
}
