//! Packages.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`Apt`] | packages of Debian and Ubuntu |
//! | [`AptRepository`] | a source of such packages, with its key |
//! | [`CargoInstall`] | programs of crates |
//! | [`Npm`] | packages of npm, for a host or a project |
//! | [`VirtualEnv`] | a virtual environment of Python, with what is installed in it |
//!
//! What Debian has installed is asked of `dpkg-query` once for all components of a host, until one of them
//! changes something. Those that change packages wait for each other, whatever roots they belong
//! to, and for whoever else on the host is at it.

mod apt;
mod apt_repository;
mod cargo;
mod npm;
mod virtual_env;

pub use apt::Apt;
pub use apt_repository::AptRepository;
pub use cargo::CargoInstall;
pub use npm::Npm;
pub use virtual_env::VirtualEnv;
