//! Where a new project takes togusa from: what this command was installed from, or what is named.

use std::path::{Path, PathBuf};

use togusa::core::problem::{Problem, code};
use togusa::failure::Failure;

use super::wrong;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where this command was compiled.
const COMPILED_IN: &str = env!("CARGO_MANIFEST_DIR");

/// Where togusa comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The crate in a checkout on this machine.
    Path(PathBuf),
    /// A git repository, and the commit in it.
    Git(String, Option<String>),
    /// A version in the registry.
    Version(String),
}

impl Origin {
    /// What the user named, else what this command was installed from.
    ///
    /// # Errors
    /// There is no togusa at the path, or what this command was installed from is gone.
    pub fn find(named: Option<&str>, here: &Path) -> Result<Self, Failure> {
        match named {
            Some(named) => Self::named(named, here),
            None => Self::installed(),
        }
    }

    fn named(named: &str, here: &Path) -> Result<Self, Failure> {
        if named.contains("://") || named.starts_with("git@") {
            let (url, commit) = named.split_once('#').map_or((named, None), |(a, b)| (a, Some(b)));
            return Ok(Self::Git(url.to_owned(), commit.map(str::to_owned)));
        }
        if is_version(named) {
            return Ok(Self::Version(named.to_owned()));
        }
        let directory = here.join(named);
        let directory = directory.canonicalize().unwrap_or(directory);
        let crates = [directory.join("cli"), directory.clone()];
        let found = crates.into_iter().find(|place| version_of(place).is_some());
        found.map(Self::Path).ok_or_else(|| {
            let problem = Problem::new(
                code::NO_TOGUSA,
                format!("there is no togusa in `{}`", directory.display()),
            );
            wrong(problem.hint(format!(
                "`--togusa` takes the path of a checkout, the URL of a git repository, or a \
                 version such as `{VERSION}`"
            )))
        })
    }

    fn installed() -> Result<Self, Failure> {
        if let Some(git) = receipt().and_then(|receipt| of_receipt(&receipt)) {
            return Ok(git);
        }
        if COMPILED_IN.contains("/registry/src/") {
            return Ok(Self::Version(VERSION.to_owned()));
        }
        if version_of(Path::new(COMPILED_IN)).as_deref() == Some(VERSION) {
            return Ok(Self::Path(COMPILED_IN.into()));
        }
        let message = format!(
            "what this command was installed from is gone, or another version by now: \
             `{COMPILED_IN}`"
        );
        Err(wrong(Problem::new(code::NO_TOGUSA, message).hint(
            "name where the project takes togusa from, with `--togusa PATH`, a URL or a version; \
             or install this command again",
        )))
    }

    /// As a dependency in a manifest.
    pub fn dependency(&self) -> String {
        let text = |text: &str| toml::Value::from(text).to_string();
        match self {
            Self::Path(path) => format!("{{ path = {} }}", text(&path.display().to_string())),
            Self::Git(url, None) => format!("{{ git = {} }}", text(url)),
            Self::Git(url, Some(commit)) => {
                format!("{{ git = {}, rev = {} }}", text(url), text(commit))
            }
            Self::Version(version) => text(version),
        }
    }
}

/// What cargo wrote down when it installed this command.
fn receipt() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    std::fs::read_to_string(program.parent()?.parent()?.join(".crates.toml")).ok()
}

/// The git repository that this version was installed from.
fn of_receipt(receipt: &str) -> Option<Origin> {
    let table: toml::Table = receipt.parse().ok()?;
    let installed = table.get("v1")?.as_table()?.keys();
    let source = installed.filter_map(|key| key.strip_prefix("togusa ")).find_map(|key| {
        key.strip_prefix(VERSION)?.trim_start().strip_prefix("(git+")?.strip_suffix(')')
    })?;
    let (url, commit) = source.split_once('#')?;
    let url = url.split('?').next().unwrap_or(url);
    Some(Origin::Git(url.to_owned(), Some(commit.to_owned())))
}

fn is_version(text: &str) -> bool {
    let numbers = text.trim_start_matches(['^', '~', '=']);
    numbers.starts_with(|c: char| c.is_ascii_digit())
        && numbers.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c))
}

/// The version of the crate `togusa` in a directory, if it is there.
fn version_of(directory: &Path) -> Option<String> {
    let table = |directory: &Path| -> Option<toml::Table> {
        std::fs::read_to_string(directory.join("Cargo.toml")).ok()?.parse().ok()
    };
    let manifest = table(directory)?;
    let package = manifest.get("package")?;
    if package.get("name")?.as_str()? != "togusa" {
        return None;
    }
    let version = package.get("version")?;
    if let Some(version) = version.as_str() {
        return Some(version.to_owned());
    }
    let workspaces = directory.ancestors().skip(1).filter_map(table);
    let mut versions = workspaces.filter_map(|table| {
        Some(table.get("workspace")?.get("package")?.get("version")?.as_str()?.to_owned())
    });
    versions.next()
}

#[cfg(test)]
mod tests {
    use togusa::ui::Paint;

    use super::*;

    #[test]
    fn a_path_a_url_and_a_version_are_told_apart() {
        let here = Path::new(COMPILED_IN);
        let dependency = |named| Origin::find(Some(named), here).unwrap().dependency();
        let path = format!("{{ path = {:?} }}", here.display().to_string());
        assert_eq!(dependency("."), path);
        assert_eq!(dependency(".."), path);
        assert_eq!(dependency("0.1"), "\"0.1\"");
        assert_eq!(
            dependency("https://example.org/togusa.git"),
            "{ git = \"https://example.org/togusa.git\" }"
        );
        assert_eq!(
            dependency("ssh://git@example.org/togusa#1a2b3c4"),
            "{ git = \"ssh://git@example.org/togusa\", rev = \"1a2b3c4\" }"
        );
    }

    #[test]
    fn a_path_without_togusa_is_an_error() {
        let failure = Origin::find(Some("src"), Path::new("/dev")).unwrap_err();
        insta::assert_snapshot!(failure.render(Paint(false)), @r"
        error: there is no togusa in `/dev/src`
          hint: `--togusa` takes the path of a checkout, the URL of a git repository, or a version such as `0.1.0`
        ");
    }

    #[test]
    fn what_was_installed_from_git_comes_from_there() {
        let receipt = |source: &str| {
            of_receipt(&format!(
                "[v1]\n\"other 1.0.0 (registry+x)\" = [\"other\"]\n\"togusa {VERSION} ({source})\" = [\"togusa\"]\n"
            ))
        };
        assert_eq!(
            receipt("git+https://example.org/togusa?branch=main#1a2b"),
            Some(Origin::Git("https://example.org/togusa".into(), Some("1a2b".into())))
        );
        assert_eq!(receipt("path+file:///x/cli"), None);
        assert_eq!(receipt("registry+https://example.org/index"), None);
    }

    #[test]
    fn this_checkout_is_what_a_test_was_compiled_in() {
        assert_eq!(Origin::find(None, Path::new("/")).unwrap(), Origin::Path(COMPILED_IN.into()));
    }
}
