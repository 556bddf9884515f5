//! The components of the library that change a system, on throw-away hosts.
//!
//! | module | shows |
//! |---|---|
//! | `accounts` | users and groups |
//! | `acme` | certificates of a real authority by certbot and lego |
//! | `apt` | packages of Debian and their sources |
//! | `caddy` | sites of a real Caddy |
//! | `crowd` | a host with much on it |
//! | `data` | PostgreSQL |
//! | `docker` | images, networks, volumes and containers of a real Docker |
//! | `drains` | a real nginx and HAProxy that take servers out of use under load |
//! | `firewall` | rules of a real nftables |
//! | `keys` | keys of SSH |
//! | `managers` | packages of a real dnf, zypper and pacman |
//! | `mounts` | mounts and swap |
//! | `mysql` | MariaDB |
//! | `redis` | a real Redis |
//! | `rights` | rules of a real sudo, limits, keys of a real gpg |
//! | `scheduled` | jobs of cron, rotation of logs |
//! | `varnish` | the configuration of a real Varnish |
//! | `virtual_env` | virtual environments of Python |
//! | `sources` | checkouts and scripts of another user |
//! | `npm` | packages of a real npm |
//! | `program` | processes without an init system |
//! | `supervisor` | programs below a real supervisord |
//! | `systemd` | units and services of a real systemd |
//! | `web` | a real nginx and HAProxy, certificates, checks |
//! | `system` | kernel, names, locales, volumes |
//! | `site` | a host, and environments that are deployed on it |

mod accounts;
mod acme;
mod apt;
mod caddy;
mod crowd;
mod data;
mod docker;
mod drains;
mod firewall;
mod keys;
mod managers;
mod mounts;
mod mysql;
mod npm;
mod program;
mod redis;
mod rights;
mod scheduled;
mod site;
mod sources;
mod supervisor;
mod system;
mod systemd;
mod varnish;
mod virtual_env;
mod web;

use std::time::{Duration, Instant};

use site::{Site, Subject};

/// Waits for what is not told, and panics if it does not come.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}
