//! Users and groups.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`Group`] | one group: number, members |
//!
//! They work on the accounts of the system itself, whatever a sandbox says, with the programs of
//! shadow (`useradd`, `groupadd`), else with those of busybox. So the converging user must be root;
//! to look at most of it anybody will do. What is there is read from `/etc/passwd`, `/etc/group`
//! and, for passwords and ends of accounts, `/etc/shadow`; once for all components of a host, until
//! one of them changes something.

mod database;
mod group;
mod tools;

pub use group::Group;
