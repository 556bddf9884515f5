//! What comes from elsewhere.
//!
//! | module | component | what it looks after |
//! |---|---|---|
//! | [`download`] | [`Download`] | a file from a URL |
//! | [`archive`] | [`Archive`] | what an archive holds, unpacked |
//! | [`git`] | [`GitCheckout`] | a checkout of a git repository |
//! | [`hg`] | [`HgCheckout`] | a checkout of a repository of Mercurial |
//! | [`build`] | [`Build`] | a program that is configured, made and installed |
//!
//! What they have to remember lies in the private directory `.togusa` of the root's work directory;
//! who removes it has them do their work again.

pub mod archive;
pub mod build;
mod checkout;
pub mod download;
pub mod git;
pub mod hg;
mod memory;
mod tools;

pub use archive::Archive;
pub use build::Build;
pub use download::Download;
pub use git::GitCheckout;
pub use hg::HgCheckout;
