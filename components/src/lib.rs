//! The components that most deployments need.
//!
//! | module | component | what it looks after |
//! |---|---|---|
//! | [`mod@file`] | [`File`] | one file: presence, mode, owner, group, content |
//! | [`directory`] | [`Directory`] | one directory, or a whole tree copied from a source |
//! | [`symlink`] | [`Symlink`] | one symbolic link and where it leads |
//! | [`purge`] | [`Purge`] | that nothing matches a pattern |
//! | [`command`] | [`Command`] | a command that runs when its guard says so |
//! | [`script`] | [`Script`] | the same for a script that an interpreter runs |
//! | [`accounts`] | [`User`], [`Group`], [`SudoRule`], [`AuthorizedKey`], … | accounts, their keys and rights |
//! | [`packages`] | [`Package`], [`Apt`], [`Dnf`], [`CargoInstall`], [`Npm`], [`VirtualEnv`], … | packages and their sources |
//! | [`data`] | [`PostgresRole`], [`PostgresDatabase`], [`MysqlDatabase`], … | PostgreSQL, MariaDB and MySQL, Redis |
//! | [`containers`] | [`DockerContainer`], [`DockerImage`], … | containers, by the command line of Docker |
//! | [`monitoring`] | [`CheckFile`], [`PrometheusTarget`] | what watches a host from elsewhere |
//! | [`services`] | [`Program`], [`SystemdService`], [`SupervisorProgram`], … | what runs |
//! | [`scheduled`] | [`Cron`], [`Logrotate`] | what happens at its time |
//! | [`edits`] | [`Line`], [`Block`], [`Values`], [`Patch`], [`Permissions`] | parts of files; modes and owners by pattern |
//! | [`sources`] | [`Download`], [`S3Object`], [`OciArtifact`], [`Archive`], [`GitCheckout`], [`Build`], … | what comes from elsewhere |
//! | [`mod@system`] | [`Sysctl`], [`Mount`], [`Swap`], [`FirewallRule`], [`Hostname`], … | the system itself |
//! | [`web`] | [`NginxSite`], [`CaddySite`], [`AcmeCertificate`], … | what stands before an application |
//! | [`checks`] | [`WaitForPort`], [`WaitForHttp`], [`HealthCheck`] | that something answers |
//!
//! Those of a row that names several are a group: a cargo feature that is on by default.
//!
//! What they share: [`mode`] for the ways to write a mode, [`location`] for the ways to name a path
//! on a host; inside, `content` compares what a file has with what it shall have, `access` its mode
//! and owners, `config` looks after files of the system, `globs` reads patterns, and `privilege` tells
//! what needs root; `foreign` runs
//! programs of others, `resolved` knows what names stand for, `processes` looks at what runs, and
//! `waiting` waits for it.
//! `use togusa_components::prelude::*;` brings all of them.
//!
//! Every component here is idempotent, changes a host only through
//! [`Machine`](togusa_core::host::Machine), shows each difference that it found, and keeps what it
//! was told at `configure` in its `Debug` text, which the digest of the model is made of.

// What is raised here is shown to users, who look its code up; tests may do without.
#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

mod access;
#[cfg(feature = "accounts")]
pub mod accounts;
#[cfg(feature = "checks")]
pub mod checks;
pub mod command;
#[cfg(any(feature = "accounts", feature = "scheduled", feature = "system"))]
mod config;
#[cfg(feature = "containers")]
pub mod containers;
mod content;
#[cfg(feature = "data")]
pub mod data;
pub mod directory;
#[cfg(feature = "edits")]
pub mod edits;
pub mod file;
#[cfg(any(
    feature = "accounts",
    feature = "checks",
    feature = "containers",
    feature = "data",
    feature = "packages",
    feature = "services",
    feature = "system",
    feature = "web"
))]
mod foreign;
mod globs;
pub mod location;
pub mod mode;
#[cfg(feature = "monitoring")]
pub mod monitoring;
#[cfg(feature = "packages")]
pub mod packages;
pub mod prelude;
#[cfg(any(
    feature = "accounts",
    feature = "packages",
    feature = "scheduled",
    feature = "services",
    feature = "system"
))]
mod privilege;
#[cfg(any(feature = "services", feature = "web"))]
mod processes;
pub mod purge;
#[cfg(any(feature = "checks", feature = "web"))]
mod resolved;
#[cfg(feature = "scheduled")]
pub mod scheduled;
pub mod script;
#[cfg(feature = "services")]
pub mod services;
#[cfg(feature = "sources")]
pub mod sources;
pub mod symlink;
#[cfg(feature = "system")]
pub mod system;
#[cfg(any(feature = "checks", feature = "containers", feature = "services", feature = "web"))]
mod waiting;
#[cfg(feature = "web")]
pub mod web;

#[cfg(feature = "accounts")]
pub use accounts::{AuthorizedKey, GpgKey, Group, KnownHost, PamLimit, SudoRule, User};
#[cfg(feature = "checks")]
pub use checks::{HealthCheck, WaitForHttp, WaitForPort};
pub use command::Command;
#[cfg(feature = "containers")]
pub use containers::{ComposeProject, DockerContainer, DockerImage, DockerNetwork, DockerVolume};
#[cfg(feature = "data")]
pub use data::{
    MysqlDatabase, MysqlGrant, MysqlUser, PostgresCluster, PostgresDatabase, PostgresExtension,
    PostgresRole, Redis,
};
pub use directory::Directory;
#[cfg(feature = "edits")]
pub use edits::{Block, Line, Patch, Permissions, Values};
pub use file::File;
pub use location::Location;
pub use mode::IntoMode;
#[cfg(feature = "monitoring")]
pub use monitoring::{CheckFile, PrometheusTarget};
#[cfg(feature = "packages")]
pub use packages::{
    Apk, Apt, AptRepository, Brew, CargoInstall, Dnf, Npm, Package, Pacman, Pkg, Snap, VirtualEnv,
    Zypper,
};
pub use purge::Purge;
#[cfg(feature = "scheduled")]
pub use scheduled::{Cron, Logrotate};
pub use script::Script;
#[cfg(feature = "services")]
pub use services::{Program, SupervisorProgram, SystemdService, SystemdTimer, SystemdUnit};
#[cfg(feature = "sources")]
pub use sources::{Archive, Build, Download, GitCheckout, HgCheckout, OciArtifact, S3Object};
pub use symlink::Symlink;
#[cfg(feature = "system")]
pub use system::{
    FirewallRule, Hostname, KernelModule, Locale, LvmVolume, Mount, Reboot, Swap, Sysctl, Timezone,
    ZfsDataset,
};
#[cfg(feature = "web")]
pub use web::{
    AcmeCertificate, CaddyReload, CaddySite, Certificate, HaproxyBackend, KeyType, NginxReload,
    NginxSite, Varnish,
};
