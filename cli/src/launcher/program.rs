//! Which of the programs that cargo builds is the project's.

use std::path::{Path, PathBuf};

use togusa::core::problem::{Problem, code};
use togusa::failure::Failure;

use super::{failed, wrong};

/// What a manifest says of the program.
#[derive(Debug)]
pub struct Choice {
    manifest: PathBuf,
    named: Option<String>,
    /// The crates that it depends on by a path.
    crates: Vec<(String, PathBuf)>,
}

/// A program that cargo built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// The manifest of its package.
    pub manifest: PathBuf,
}

impl Choice {
    /// Reads what a manifest says.
    ///
    /// # Errors
    /// The manifest cannot be read. What is wrong in it otherwise is for cargo to say.
    pub fn read(manifest: &Path) -> Result<Self, Failure> {
        let text =
            std::fs::read_to_string(manifest).map_err(|error| failed("read", manifest, &error))?;
        // Cargo tells what is no TOML, with the place.
        let table: toml::Table = text.parse().unwrap_or_default();
        Ok(Self::of_table(manifest, &table))
    }

    fn of_table(manifest: &Path, table: &toml::Table) -> Self {
        let all = table.get("dependencies").and_then(toml::Value::as_table);
        let crates = all.into_iter().flatten().filter_map(|(name, dependency)| {
            Some((name.clone(), PathBuf::from(dependency.get("path")?.as_str()?)))
        });
        let crates = crates.collect();
        Self { manifest: manifest.to_owned(), named: named(table).map(str::to_owned), crates }
    }

    /// What is wrong if a crate of the project was deleted, which cargo tells without a remedy.
    pub fn lost(&self) -> Option<Problem> {
        let root = self.manifest.parent()?;
        let is_lost = |path: &Path| !root.join(path).join("Cargo.toml").exists();
        let (name, path) = self.crates.iter().find(|(_, path)| is_lost(path))?;
        let message = format!(
            "`{}` depends on `{name}`, and there is no crate in `{}`",
            self.manifest.display(),
            path.display()
        );
        Some(Problem::new(code::PROJECT_FILES, message).hint(format!(
            "bring it back; or, to be rid of it, remove `{name}` from `[dependencies]`, and the \
             component from the registry in `src/main.rs` and from environments"
        )))
    }

    /// The program's name, where the manifest has it.
    pub fn named(&self) -> Option<&str> {
        self.named.as_deref()
    }

    /// The program, of those that were built.
    ///
    /// # Errors
    /// There is none, or it is not said which.
    pub fn of(&self, built: Vec<Built>) -> Result<PathBuf, Failure> {
        let is_of_root = |built: &Built| built.manifest == self.manifest;
        let has_root = built.iter().any(is_of_root);
        let mut built: Vec<_> =
            built.into_iter().filter(|built| !has_root || is_of_root(built)).collect();
        if let [_] = built[..] {
            return Ok(built.swap_remove(0).file);
        }
        let manifest = self.manifest.display();
        if built.is_empty() {
            let problem = Problem::new(
                code::MANIFEST_LACKS,
                format!("the package of `{manifest}` has no program"),
            );
            return Err(wrong(problem.hint(
                "give it a `src/main.rs` with `Cli::new(registry).run()`, as `togusa new` writes it",
            )));
        }
        let names: Vec<_> = built.iter().map(|built| format!("`{}`", built.name)).collect();
        let message = format!("`{manifest}` has {} programs: {}", built.len(), names.join(", "));
        Err(wrong(Problem::new(code::SEVERAL_PROGRAMS, message).hint(format!(
            "name the one that deploys with `default-run = \"{}\"` in `[package]`, or with \
             `program = \"…\"` in `[package.metadata.togusa]`",
            built[0].name
        ))))
    }
}

fn named(table: &toml::Table) -> Option<&str> {
    let of = |section: &str| {
        table.get(section)?.get("metadata")?.get("togusa")?.get("program")?.as_str()
    };
    let default = || table.get("package")?.get("default-run")?.as_str();
    of("package").or_else(|| of("workspace")).or_else(default)
}

#[cfg(test)]
mod tests {
    use togusa::ui::Paint;

    use super::*;

    fn choice(text: &str) -> Choice {
        let table: toml::Table = text.parse().unwrap();
        Choice::of_table(Path::new("Cargo.toml"), &table)
    }

    fn built(names: &[&str], manifest: &str) -> Vec<Built> {
        let one = |name: &&str| Built {
            name: (*name).to_owned(),
            file: Path::new("target/debug").join(name),
            manifest: manifest.into(),
        };
        names.iter().map(one).collect()
    }

    #[test]
    fn what_is_said_for_togusa_wins_over_what_cargo_runs() {
        let both = "[package]\ndefault-run = 'a'\n[package.metadata.togusa]\nprogram = 'b'";
        assert_eq!(choice(both).named(), Some("b"));
        assert_eq!(choice("[package]\ndefault-run = 'a'").named(), Some("a"));
        assert_eq!(choice("[workspace.metadata.togusa]\nprogram = 'c'").named(), Some("c"));
        assert_eq!(choice("[package]\nname = 'a'").named(), None);
    }

    #[test]
    fn the_only_program_of_the_package_is_the_one() {
        let mut all = built(&["shop"], "Cargo.toml");
        all.extend(built(&["tool", "other"], "components/app/Cargo.toml"));
        assert_eq!(choice("").of(all).unwrap(), Path::new("target/debug/shop"));
        let below = built(&["shop"], "program/Cargo.toml");
        assert_eq!(choice("").of(below).unwrap(), Path::new("target/debug/shop"));
    }

    #[test]
    fn several_programs_and_none_are_errors_with_their_remedies() {
        let failure = choice("").of(built(&["shop", "tool"], "Cargo.toml")).unwrap_err();
        insta::assert_snapshot!(failure.render(Paint(false)), @r#"
        error[T0025]: `Cargo.toml` has 2 programs: `shop`, `tool`
          hint: name the one that deploys with `default-run = "shop"` in `[package]`, or with `program = "…"` in `[package.metadata.togusa]`
        "#);
        let failure = choice("").of(Vec::new()).unwrap_err();
        insta::assert_snapshot!(failure.render(Paint(false)), @"
        error[T0024]: the package of `Cargo.toml` has no program
          hint: give it a `src/main.rs` with `Cli::new(registry).run()`, as `togusa new` writes it
        ");
    }
}
