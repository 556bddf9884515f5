//! The test harness for components, with environments in TOML.
//!
//! ```
//! use togusa::prelude::*;
//! use togusa::testing::harness;
//!
//! #[derive(Debug, Attributes)]
//! struct Motd {
//!     text: String,
//! }
//!
//! impl Component for Motd {
//!     fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
//!         scope.add(File::new("motd").content(&self.text));
//!         Ok(())
//!     }
//! }
//!
//! let harness = harness(
//!     Registry::new().with::<Motd>("motd"),
//!     r#"
//!     [hosts.web1]
//!     components = ["motd"]
//!
//!     [components.motd]
//!     text = "welcome"
//!     "#,
//! );
//! harness.assert_converges();
//! let motd = harness.work_directory("web1", "motd").join("motd");
//! assert_eq!(std::fs::read_to_string(motd).unwrap(), "welcome");
//! ```

pub use togusa_core::testing::{Answer, Answers, Call, Calls, Drift, Drifts, Fake, Harness, Run};

use togusa_core::registry::Registry;

/// A harness over an environment that is given as the text of its file.
///
/// Its hosts become directories of the harness, however the text says that they are reached.
///
/// # Panics
/// The text is no environment; all that is wrong with it is shown.
pub fn harness(registry: Registry, environment: &str) -> Harness {
    let environment = togusa_environments::from_str("test", "test", environment)
        .unwrap_or_else(|problems| panic!("the environment is wrong:\n{problems}"));
    Harness::new(registry).environment(environment)
}

#[doc = include_str!("../../docs/src/guide/testing.md")]
#[cfg(doctest)]
struct Guide;
