//! Finds the path under which the deriving crate knows core.

use std::path::Path as FilePath;

use syn::{Path, parse_quote};

use crate::options::TypeOptions;

const CORE: &str = "togusa-core";
const TOGUSA: &str = "togusa";

/// The path to core: what the option `crate` says, or what the crate depends on.
pub fn core_path(options: &TypeOptions) -> Path {
    options.core.clone().unwrap_or_else(|| {
        if uses_core() { parse_quote!(::togusa_core) } else { parse_quote!(::togusa::core) }
    })
}

fn uses_core() -> bool {
    let Some(directory) = std::env::var_os("CARGO_MANIFEST_DIR") else { return true };
    if std::env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == CORE) {
        return true;
    }
    let manifest = FilePath::new(&directory).join("Cargo.toml");
    prefers_core(&std::fs::read_to_string(manifest).unwrap_or_default())
}

/// Whether to use core itself. What only the tests depend on comes last: the library lacks it.
fn prefers_core(manifest: &str) -> bool {
    let lists = |section, name| depends(manifest, section, name);
    lists("dependencies", CORE) || !lists("dependencies", TOGUSA) && lists("dev-dependencies", CORE)
}

/// Whether a section of a `Cargo.toml` lists a dependency, in any of the ways to write one.
fn depends(manifest: &str, section: &str, name: &str) -> bool {
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default().replace(['"', ' '], "");
            let own = header
                .strip_suffix(name)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|rest| is_section(rest, section));
            if own {
                return true;
            }
            inside = is_section(&header, section);
        } else if inside {
            let key = line.split(['=', '.', ' ', '\t']).next().unwrap_or_default();
            if key.trim_matches(['"', '\'']) == name {
                return true;
            }
        }
    }
    false
}

/// Whether a header is the section itself or that of a target.
fn is_section(header: &str, section: &str) -> bool {
    let target = || header.strip_suffix(section)?.strip_suffix('.')?.strip_prefix("target.");
    header == section || target().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_found_however_it_is_written() {
        for manifest in [
            "[dependencies]\ntogusa-core = \"1\"",
            "[dependencies]\na = \"1\"\ntogusa-core.workspace = true",
            "[dependencies]\n\"togusa-core\" = { path = \"..\" }",
            "[dependencies.togusa-core]\nversion = \"1\"",
            "[target.'cfg(unix)'.dependencies]\ntogusa-core = \"1\"",
            "[target.\"cfg(unix)\".dependencies.togusa-core]\nversion = \"1\"",
            "[dev-dependencies]\ntogusa-core = \"1\"",
        ] {
            assert!(prefers_core(manifest), "{manifest}");
        }
    }

    #[test]
    fn what_the_crate_itself_does_not_depend_on_is_not_used() {
        for manifest in [
            "[dependencies]\ntogusa = \"1\"",
            "[dependencies]\ntogusa-core-extras = \"1\"",
            "[workspace.dependencies]\ntogusa-core = \"1\"",
            "[build-dependencies.togusa-core]\nversion = \"1\"",
            "[dependencies]\ntogusa = \"1\"\n[dev-dependencies]\ntogusa-core = \"1\"",
            "[package]\nname = \"a\"\n[features]\ntogusa-core = []",
        ] {
            assert!(!prefers_core(manifest), "{manifest}");
        }
    }
}
