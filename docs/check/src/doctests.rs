//! The pages with Rust; rustdoc compiles and runs their blocks.
//!
//! Written by `docs/generate`.

#[doc = include_str!("../../src/guide/components.md")]
mod guide_components {}

#[doc = include_str!("../../src/guide/from-ansible.md")]
mod guide_from_ansible {}

#[doc = include_str!("../../src/guide/from-batou.md")]
mod guide_from_batou {}

#[doc = include_str!("../../src/guide/resources.md")]
mod guide_resources {}

#[doc = include_str!("../../src/guide/rollouts.md")]
mod guide_rollouts {}

#[doc = include_str!("../../src/guide/sandbox.md")]
mod guide_sandbox {}

#[doc = include_str!("../../src/guide/secrets.md")]
mod guide_secrets {}

#[doc = include_str!("../../src/guide/sharing.md")]
mod guide_sharing {}

#[doc = include_str!("../../src/guide/testing.md")]
mod guide_testing {}

#[doc = include_str!("../../src/guide/triggers.md")]
mod guide_triggers {}

#[doc = include_str!("../../src/introduction.md")]
mod introduction {}

#[doc = include_str!("../../src/tutorial.md")]
mod tutorial {}
