//! The ways in: an environment of a project, or one from a text.

use std::path::Path;

use togusa_core::environment::Environment;
use togusa_core::problem::{Problem, Problems};

use crate::secrets::Access;
use crate::{extends, read};

/// An environment and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The environment, merged over all that it extends.
    pub environment: Environment,
    /// The environment's name, followed by those of its bases, the nearest first.
    pub chain: Vec<String>,
}

/// Loads the environment `name` of the project at `project_root`; `access` opens its secrets and
/// those of the environments that it extends.
///
/// `project` is the project's name, which becomes a part of target directories:
/// `TARGET_DIRECTORY/PROJECT/NAME`, followed by the host's name where several hosts are local.
/// Not set: `target_directory` is `~/deployment`, `jobs` 4, `timeout` 10 s, `connect` SSH.
///
/// # Errors
/// Every mistake in the environment's file, in its secrets and in what it extends, each with its
/// place. Only what is not TOML hides the other mistakes of its file.
pub fn load(
    project_root: &Path,
    project: &str,
    name: &str,
    access: Access<'_>,
) -> Result<Loaded, Problems> {
    let mut problems = Vec::new();
    let merged = extends::load(project_root, name, access, &mut problems);
    finish(project, name, merged, problems)
}

/// Loads an environment from the text of its file, as [`load`] does; for tests.
///
/// # Errors
/// Every mistake in the text, with places in `environments/NAME/environment.toml`; `extends` is one
/// of them.
pub fn from_str(project: &str, name: &str, text: &str) -> Result<Environment, Problems> {
    let mut problems = Vec::new();
    let merged = extends::from_str(name, text, &mut problems);
    finish(project, name, merged, problems).map(|loaded| loaded.environment)
}

fn finish(
    project: &str,
    name: &str,
    merged: Option<extends::Merged>,
    mut problems: Vec<Problem>,
) -> Result<Loaded, Problems> {
    let loaded = merged.map(|merged| Loaded {
        environment: read::environment(project, name, &merged, &mut problems),
        chain: merged.chain,
    });
    match loaded {
        Some(loaded) if problems.is_empty() => Ok(loaded),
        _ => Err(Problems::new(problems)),
    }
}
