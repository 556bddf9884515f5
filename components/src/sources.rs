//! What comes from elsewhere.
//!
//! | module | component | what it looks after |
//! |---|---|---|
//! | [`download`] | [`Download`] | a file from a URL |
//! | [`s3_object`] | [`S3Object`] | a file from a bucket of S3 or a store like it |
//! | [`oci_artifact`] | [`OciArtifact`] | an artifact of an OCI registry, by its digest |
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
mod fetch;
mod fetched;
pub mod git;
pub mod hg;
mod memory;
pub mod oci_artifact;
pub mod s3_object;
mod tools;

pub use archive::Archive;
pub use build::Build;
pub use download::Download;
pub use git::GitCheckout;
pub use hg::HgCheckout;
pub use oci_artifact::OciArtifact;
pub use s3_object::S3Object;
