//! Users and groups, their keys, and what they may do.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`User`] | one user: number, groups, home, shell, password, end |
//! | [`Group`] | one group: number, members |
//! | [`AuthorizedKey`] | keys that let somebody in as a user |
//! | [`KnownHost`] | keys by which a host is known |
//! | [`GpgKey`] | keys of GnuPG in the keyring of a user |
//! | [`SudoRule`] | who may run what as whom |
//! | [`PamLimit`] | how much a user may take |
//!
//! Users and groups are those of the system itself, whatever a sandbox says. They are changed by the
//! programs of shadow (`useradd`, `groupadd`), else by those of busybox, so that the converging user
//! must be root; to look at most of them anybody will do. What is there is read from `/etc/passwd`,
//! `/etc/group` and, for passwords and ends of accounts, `/etc/shadow`: once for all components of a
//! host, until one of them changes something.

mod authorized_key;
mod database;
mod gpg_key;
mod group;
mod known_host;
mod pam_limit;
mod public_key;
mod ssh_file;
mod sudo_rule;
mod tools;
mod user;

pub use authorized_key::AuthorizedKey;
pub use gpg_key::GpgKey;
pub use group::Group;
pub use known_host::KnownHost;
pub use pam_limit::PamLimit;
pub use sudo_rule::SudoRule;
pub use user::User;
