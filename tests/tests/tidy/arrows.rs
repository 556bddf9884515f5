//! Which crate may depend on which.

use super::workspace::{Dependency, Finding, Package};

/// What the engine must not know: async runtimes, terminals, TOML, SSH.
const NOT_IN_CORE: [&str; 8] =
    ["clap", "console", "crossterm", "indicatif", "openssh", "ratatui", "tokio", "toml"];

const REMEDY: &str = "turn the dependency round, or move the code; ARCHITECTURE.md has the map";

/// Finds arrows that point the wrong way.
pub fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(of_package).collect()
}

fn of_package(package: &Package) -> Vec<Finding> {
    let directory = package.directory();
    let path = format!("{directory}/Cargo.toml");
    let finding = |wrong: String, remedy| Finding { path: path.clone(), line: 1, wrong, remedy };
    let Some(allowed) = allowed(&directory) else {
        let wrong = format!("crate `{}` is on no map", package.name);
        let remedy = "say in this test and in ARCHITECTURE.md what it may depend on";
        return vec![finding(wrong, remedy)];
    };
    let wrong = package.dependencies.iter().filter(|dependency| {
        let outside = dependency.directory().is_some_and(|other| !allowed.contain(&other));
        // A test may look at a project through whatever shows it.
        let of_test =
            dependency.kind.as_deref() == Some("dev") && directory.starts_with("examples/");
        (outside && !of_test) || (directory == "core" && is_foreign_to_core(dependency))
    });
    let wrong = wrong.map(|dependency| {
        finding(format!("`{}` may not depend on `{}`", package.name, dependency.name), REMEDY)
    });
    wrong.collect()
}

fn is_foreign_to_core(dependency: &Dependency) -> bool {
    NOT_IN_CORE.contains(&dependency.name.as_str())
}

/// The directories of the crates that may be used.
enum Allowed {
    Any,
    /// These, and all below the directory if there is one.
    Some(&'static [&'static str], Option<String>),
}

impl Allowed {
    fn contain(&self, other: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Some(crates, below) => {
                let below = below.as_ref().is_some_and(|below| {
                    other.strip_prefix(below.as_str()).is_some_and(|rest| rest.starts_with('/'))
                });
                crates.contains(&other) || below
            }
        }
    }
}

fn allowed(directory: &str) -> Option<Allowed> {
    let crates: &[&str] = match directory {
        "core/derive" => &[],
        "core" => &["core/derive"],
        "components" | "environments" | "tests/crash" => &["core"],
        "cli" => &["core", "components", "environments"],
        "tests" | "benches" | "docs/check" => return Some(Allowed::Any),
        _ => {
            let project = directory.strip_prefix("examples/")?.split('/').next()?;
            let crates = &["cli", "core", "components"];
            return Some(Allowed::Some(crates, Some(format!("examples/{project}"))));
        }
    };
    Some(Allowed::Some(crates, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(directory: &str, dependencies: &[(&str, Option<&str>, Option<&str>)]) -> Package {
        let dependencies = dependencies.iter().map(|(name, kind, path)| Dependency {
            name: (*name).into(),
            kind: kind.map(Into::into),
            path: path.map(Into::into),
        });
        Package {
            name: directory.into(),
            manifest_path: format!("{directory}/Cargo.toml").into(),
            dependencies: dependencies.collect(),
        }
    }

    fn wrong(directory: &str, name: &str, kind: Option<&str>, path: Option<&str>) -> usize {
        of_package(&package(directory, &[(name, kind, path)])).len()
    }

    #[test]
    fn arrows_up_and_across_are_found() {
        assert_eq!(wrong("core", "togusa", None, Some("cli")), 1);
        assert_eq!(wrong("core", "togusa-components", Some("dev"), Some("components")), 1);
        assert_eq!(wrong("core", "tokio", None, None), 1);
        assert_eq!(wrong("core", "toml", Some("build"), None), 1);
        assert_eq!(wrong("components", "togusa-environments", None, Some("environments")), 1);
        assert_eq!(wrong("environments", "togusa", None, Some("cli")), 1);
        assert_eq!(wrong("examples/a/web", "togusa-environments", None, Some("environments")), 1);
        assert_eq!(wrong("examples/a/web", "b", None, Some("examples/b")), 1);
        assert_eq!(wrong("examples/a/web", "ab", None, Some("examples/ab/web")), 1);
        assert_eq!(wrong("surprise", "serde", None, None), 1);
    }

    #[test]
    fn arrows_down_are_not() {
        assert_eq!(wrong("core", "togusa-derive", None, Some("core/derive")), 0);
        assert_eq!(wrong("core", "serde", None, None), 0);
        assert_eq!(wrong("environments", "toml", None, None), 0);
        assert_eq!(wrong("cli", "togusa-environments", None, Some("environments")), 0);
        assert_eq!(wrong("examples/a", "a-web", None, Some("examples/a/web")), 0);
        assert_eq!(
            wrong("examples/a", "togusa-environments", Some("dev"), Some("environments")),
            0
        );
    }

    #[test]
    fn a_finding_names_the_manifest_and_the_remedy() {
        let found = of_package(&package("core", &[("clap", None, None)]));
        let text = found[0].to_string();
        assert!(
            text.starts_with("core/Cargo.toml:1: `core` may not depend on `clap`\n  hint: turn")
        );
    }
}
