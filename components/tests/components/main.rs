//! The components of the library on real directories, through the harness and the real engine.

#![expect(clippy::disallowed_methods, reason = "tests arrange the files of hosts by hand")]

mod absent;
#[cfg(feature = "web")]
mod acme;
#[cfg(feature = "sources")]
mod archive;
mod bench;
#[cfg(feature = "sources")]
mod build;
#[cfg(feature = "web")]
mod caddy;
#[cfg(feature = "packages")]
mod cargo;
#[cfg(feature = "web")]
mod certificate;
#[cfg(feature = "checks")]
mod checks;
mod command;
#[cfg(feature = "containers")]
mod containers;
mod directory;
#[cfg(feature = "sources")]
mod download;
#[cfg(feature = "web")]
mod drains;
#[cfg(feature = "edits")]
mod edits;
mod file;
mod file_access;
mod file_content;
#[cfg(feature = "sources")]
mod git;
#[cfg(feature = "sources")]
mod hg;
mod hostile;
#[cfg(feature = "accounts")]
mod keys;
#[cfg(feature = "packages")]
mod managers;
#[cfg(feature = "monitoring")]
mod monitoring;
#[cfg(feature = "data")]
mod mysql;
#[cfg(feature = "packages")]
mod npm;
#[cfg(feature = "sources")]
mod oci_artifact;
#[cfg(feature = "edits")]
mod patch;
#[cfg(feature = "services")]
mod program;
mod purge;
#[cfg(feature = "system")]
mod reboot;
#[cfg(feature = "data")]
mod redis;
#[cfg(feature = "sources")]
mod s3_object;
#[cfg(feature = "scheduled")]
mod scheduled;
mod script;
mod secrets;
#[cfg(feature = "sources")]
mod server;
#[cfg(feature = "sources")]
mod servers;
mod symlink;
#[cfg(feature = "system")]
mod system;
#[cfg(feature = "web")]
mod varnish;
#[cfg(feature = "packages")]
mod virtual_env;
#[cfg(feature = "system")]
mod volumes;

use bench::{Bench, is_root, lines};
