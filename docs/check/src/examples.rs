//! The components that environments on pages may name.
//!
//! A page that needs another component, or another attribute, adds it here.

use togusa::prelude::*;

macro_rules! example {
    ($(#[$options:meta])* $name:ident { $($field:ident: $type:ty = $default:expr),* $(,)? }) => {
        #[expect(dead_code, reason = "environments set it, and nobody deploys it")]
        #[derive(Debug, Attributes)]
        $(#[$options])*
        struct $name {
            $(#[attribute(default = $default)] $field: $type,)*
        }

        impl Component for $name {}
    };
}

example! {
    #[attributes(features("web", "worker"), default_features("web"))]
    App {
        port: u16 = 8080,
        workers: usize = 4,
        name: String = "app",
        debug: bool = false,
        timeout: std::time::Duration = "10s",
        greeting: String = "hello",
    }
}

example!(Database { port: u16 = 5432, name: String = "app" });
example!(Site { title: String = "site", keep: usize = 3 });
example!(Web { name: String = "localhost", port: u16 = 80 });

/// A component without attributes.
#[derive(Debug, Attributes)]
struct Plain;

impl Component for Plain {}

/// The components by name.
pub fn registry() -> Registry {
    Registry::new()
        .with::<App>("app")
        .with::<Database>("database")
        .with::<Site>("site")
        .with::<Web>("web")
        .with::<Plain>("api")
        .with::<Plain>("balancer")
        .with::<Plain>("cron")
        .with::<Plain>("front")
        .with::<Plain>("migration")
        .with::<Plain>("nginx")
        .with::<Plain>("page")
        .with::<Plain>("pages")
}

/// What an environment of a page may extend where the page itself does not show it.
pub const BASES: [&str; 2] = ["base", "staging"];

/// The text of such an environment.
pub const BASE: &str = "[hosts.\"app[1-2]\"]\ncomponents = [\"app\"]\n";
