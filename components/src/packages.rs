//! Packages.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`Package`] | packages of whichever platform a host has, by one of the next eight |
//! | [`Apt`] | packages of Debian and Ubuntu |
//! | [`Apk`] | packages of Alpine Linux |
//! | [`Brew`] | packages of Homebrew |
//! | [`Dnf`] | packages of Fedora, RHEL and their like |
//! | [`Pacman`] | packages of Arch Linux |
//! | [`Pkg`] | packages of FreeBSD |
//! | [`Snap`] | snaps |
//! | [`Zypper`] | packages of openSUSE and SLES |
//! | [`AptRepository`] | a source of packages of Debian and Ubuntu, with its key |
//! | [`CargoInstall`] | programs of crates |
//! | [`Npm`] | packages of npm, for a host or a project |
//! | [`VirtualEnv`] | a virtual environment of Python, with what is installed in it |
//!
//! What is installed is asked of the host once for all components, until one of them changes something.
//! Those that change packages wait for each other, whatever roots they belong to, and for whoever else
//! on the host is at it.

mod apk;
mod apt;
mod apt_repository;
mod brew;
mod cargo;
mod dnf;
mod manager;
mod npm;
mod package;
mod pacman;
mod pkg;
mod rpm;
mod snap;
mod virtual_env;
mod wanted;
mod zypper;

pub use apk::Apk;
pub use apt::Apt;
pub use apt_repository::AptRepository;
pub use brew::Brew;
pub use cargo::CargoInstall;
pub use dnf::Dnf;
pub use npm::Npm;
pub use package::Package;
pub use pacman::Pacman;
pub use pkg::Pkg;
pub use snap::Snap;
pub use virtual_env::VirtualEnv;
pub use zypper::Zypper;
