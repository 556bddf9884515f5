//! TOML: an environment, unless a comment before the block says that it is something else.
//!
//! `<!-- file: environments/dev/environment.toml -->` names the file, so that another block of the
//! page can extend the environment; `<!-- cargo -->` is short for a `Cargo.toml`.

use togusa_core::problem::Problem;
use togusa_environments::secrets::Access;

use super::Mistake;
use crate::examples;
use crate::pages::{Block, Page};

const NAME: &str = "page";
const TABLES_OF_CARGO: [&str; 8] = [
    "build-dependencies",
    "dependencies",
    "dev-dependencies",
    "features",
    "lib",
    "package",
    "profile",
    "workspace",
];
const TABLES_OF_SECRETS: [&str; 4] = ["components", "encryption", "files", "hosts"];

/// Where the pages of errors lie, whose environments the tests of `explain` load.
const ERRORS: &str = "docs/src/reference/errors/";

/// Checks a block.
pub(super) fn check(block: &Block, page: &Page) -> Vec<Mistake> {
    if page.path.starts_with(ERRORS) {
        return Vec::new();
    }
    let file = match block.note.as_deref() {
        Some("cargo") => "Cargo.toml",
        _ => block.file().unwrap_or("environment.toml"),
    };
    match file.rsplit('/').next().unwrap_or(file) {
        "environment.toml" => environment(block, page),
        "Cargo.toml" => tables(block, &TABLES_OF_CARGO),
        "secrets.toml" => tables(block, &TABLES_OF_SECRETS),
        _ => tables(block, &[]),
    }
}

/// A document with these tables; with any, if none are named.
fn tables(block: &Block, known: &[&str]) -> Vec<Mistake> {
    let table = match block.text.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => {
            return vec![Mistake::of_block(format!("not valid TOML: {}", error.message()))];
        }
    };
    let unknown = table.keys().filter(|name| !known.is_empty() && !known.contains(&name.as_str()));
    unknown.map(|name| Mistake::of_block(format!("there is no table `{name}` in it"))).collect()
}

/// An environment that loads, and that the components of the examples bear out.
fn environment(block: &Block, page: &Page) -> Vec<Mistake> {
    match load(block, page) {
        Ok(problems) => problems.iter().map(mistake).collect(),
        Err(error) => vec![Mistake::of_block(format!("cannot be loaded: {error}"))],
    }
}

fn load(block: &Block, page: &Page) -> std::io::Result<Vec<Problem>> {
    let project = tempfile::tempdir()?;
    let write = |name: &str, text: &str| {
        let directory = project.path().join("environments").join(name);
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("environment.toml"), text)
    };
    for base in examples::BASES {
        write(base, examples::BASE)?;
    }
    for other in page.blocks_in("toml") {
        if let Some(name) = other.file().and_then(name_in) {
            write(name, &other.text)?;
        }
    }
    let name = block.file().and_then(name_in).unwrap_or(NAME);
    write(name, &block.text)?;
    let loaded = togusa_environments::load(project.path(), "shop", name, Access::Placeholders);
    Ok(match loaded {
        Ok(loaded) => examples::registry().check(&loaded.environment),
        Err(problems) => problems.list,
    })
}

/// The name in the path of an environment's file.
fn name_in(file: &str) -> Option<&str> {
    file.strip_prefix("environments/")?.strip_suffix("/environment.toml")
}

fn mistake(problem: &Problem) -> Mistake {
    let line = problem.origin.as_ref().map_or(0, |origin| origin.line.saturating_sub(1) as usize);
    let problem = Problem { origin: None, ..problem.clone() };
    let told = problem.to_string().replace("\n  ", "; ");
    Mistake { line, wrong: told }
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;

    #[test]
    fn a_block_is_an_environment_of_known_components() {
        assert_eq!(
            found(
                "```toml\n[hosts.a]\ncomponents = ['app:web']\n[components.app]\nworkers = 2\n```\n"
            ),
            [""; 0]
        );
        assert_eq!(
            found("```toml\n[hosts.a]\ncomponents = ['app']\njbos = 1\n```\n"),
            ["4: unknown key `jbos`; hint: did you mean `jobs`?"]
        );
        let wrong =
            found("```toml\n[hosts.a]\ncomponents = ['app']\n[components.app]\nport = 'x'\n```\n");
        assert!(
            wrong[0].starts_with("5: component `app`: attribute `port`: expected"),
            "{wrong:?}"
        );
    }

    #[test]
    fn a_block_may_extend_another_of_its_page() {
        let page = "<!-- file: environments/a/environment.toml -->\n```toml\n[hosts.x]\n```\n\n```toml\n\
                    extends = 'a'\n[hosts.x]\nremove = true\n[hosts.y]\n```\n";
        assert_eq!(found(page), [""; 0]);
        let wrong = found(&page.replace("<!-- file: environments/a/environment.toml -->", ""));
        assert_eq!(wrong[0].split(';').next().unwrap(), "7: there is no environment `a`");
    }

    #[test]
    fn a_block_may_be_another_file() {
        assert_eq!(found("<!-- cargo -->\n```toml\n[dependencies]\ntogusa = '1'\n```\n"), [""; 0]);
        assert_eq!(
            found("<!-- cargo -->\n```toml\n[hosts.a]\n```\n"),
            ["3: there is no table `hosts` in it"]
        );
        assert_eq!(
            found("<!-- file: x.toml -->\n```toml\na =\n```\n"),
            ["3: not valid TOML: string values must be quoted, expected literal string"]
        );
    }
}
