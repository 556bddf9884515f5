//! Edits of a project's `Cargo.toml`, which keep its comments and its form.

use std::path::{Path, PathBuf};

use togusa::core::problem::{Problem, code};
use togusa::failure::Failure;
use toml_edit::{Array, DocumentMut, Formatted, InlineTable, Item, Table, TableLike, Value};

use super::{failed, wrong};

/// A manifest that is being changed.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    document: DocumentMut,
    before: String,
}

impl Manifest {
    /// Reads the manifest of the project at `root`.
    ///
    /// # Errors
    /// It cannot be read, or is not the package of a program in a workspace with togusa.
    pub fn read(root: &Path) -> Result<Self, Failure> {
        let path = root.join("Cargo.toml");
        let before =
            std::fs::read_to_string(&path).map_err(|error| failed("read", &path, &error))?;
        let document: DocumentMut =
            before.parse().map_err(|error| failed("read", &path, &error))?;
        let manifest = Self { path, document, before };
        for section in ["package", "workspace"] {
            if !manifest.document.get(section).is_some_and(Item::is_table_like) {
                return Err(manifest.lacks(&format!("section `[{section}]`")));
            }
        }
        let all = manifest.document["workspace"].get("dependencies");
        if all.and_then(|all| all.get("togusa")).is_none() {
            return Err(manifest.lacks("`togusa` in `[workspace.dependencies]`"));
        }
        Ok(manifest)
    }

    fn lacks(&self, what: &str) -> Failure {
        let problem =
            Problem::new(code::MANIFEST_LACKS, format!("`{}` has no {what}", self.path.display()));
        wrong(problem.hint(
            "a component becomes a crate beside the program, in one workspace with it: add what is \
             missing, as `togusa new` writes it",
        ))
    }

    /// The name of the package.
    pub fn package(&self) -> &str {
        self.document["package"].get("name").and_then(Item::as_str).unwrap_or_default()
    }

    /// Whether there is a dependency of this name.
    pub fn depends_on(&self, package: &str) -> bool {
        let all = self.document.get("dependencies").and_then(Item::as_table_like);
        all.is_some_and(|all| all.contains_key(package))
    }

    /// Adds a crate that lies in the project: to the members and to the dependencies.
    pub fn add(&mut self, package: &str, directory: &str) {
        if let Some(workspace) = self.document["workspace"].as_table_like_mut() {
            let members = workspace.entry("members").or_insert(Item::Value(Array::new().into()));
            add_member(members, directory);
            if let Some(members) = workspace.get_mut("default-members") {
                add_member(members, directory);
            }
        }
        let all = self.document.entry("dependencies").or_insert(Item::Table(Table::new()));
        if let Some(all) = all.as_table_like_mut() {
            insert_in_order(all, package, directory);
        }
    }

    /// The text that was read.
    pub fn before(&self) -> &str {
        &self.before
    }

    /// The file and its new text; `None` if it is as it was.
    pub fn changed(&self) -> Option<(&Path, String)> {
        let text = self.document.to_string();
        (text != self.before).then_some((self.path.as_path(), text))
    }
}

fn add_member(members: &mut Item, directory: &str) {
    let Some(members) = members.as_array_mut() else { return };
    let is_named = members
        .iter()
        .filter_map(Value::as_str)
        .any(|member| glob::Pattern::new(member).is_ok_and(|pattern| pattern.matches(directory)));
    if is_named {
        return;
    }
    // As the others stand: one on each line, or all on one. A comment behind the last stays there.
    let last = members.iter().last().and_then(|last| last.decor().prefix()?.as_str());
    let line = last.filter(|prefix| prefix.contains('\n')).map(str::to_owned);
    let Some(line) = line else { return members.push(directory) };
    let trailing = members.trailing().as_str().unwrap_or_default().trim_end().to_owned();
    let mut member = Formatted::new(directory.to_owned());
    member.decor_mut().set_prefix(trailing + &line);
    members.push_formatted(Value::String(member));
    members.set_trailing("\n");
    members.set_trailing_comma(true);
}

/// Where dependencies stand in the order of their names, a new one does too.
fn insert_in_order(all: &mut dyn TableLike, package: &str, directory: &str) {
    let mut path = InlineTable::new();
    path.insert("path", directory.into());
    all.insert(package, Item::Value(Value::InlineTable(path)));
    let names: Vec<_> = all.iter().map(|(name, _)| name.to_owned()).collect();
    if names[..names.len() - 1].is_sorted() {
        all.sort_values();
    }
}

#[cfg(test)]
mod tests {
    use togusa::ui::Paint;

    use super::*;

    fn manifest(text: &str) -> Result<Manifest, Failure> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("Cargo.toml"), text).unwrap();
        Manifest::read(directory.path())
    }

    const WHOLE: &str = "\
[workspace]
members = [
    \"components/app\",
    \"components/mail\", # later
]

[workspace.dependencies]
togusa = \"0.1\"

[package]
name = \"shop\"

[dependencies]
# ours
shop-app = { path = \"components/app\" }
togusa.workspace = true
";

    #[test]
    fn a_crate_is_added_where_it_belongs() {
        let mut manifest = manifest(WHOLE).unwrap();
        assert_eq!(manifest.package(), "shop");
        assert!(manifest.depends_on("shop-app") && !manifest.depends_on("shop-web"));
        manifest.add("shop-web", "components/web");
        insta::assert_snapshot!(manifest.changed().unwrap().1, @r##"
        [workspace]
        members = [
            "components/app",
            "components/mail", # later
            "components/web",
        ]

        [workspace.dependencies]
        togusa = "0.1"

        [package]
        name = "shop"

        [dependencies]
        # ours
        shop-app = { path = "components/app" }
        shop-web = { path = "components/web" }
        togusa.workspace = true
        "##);
    }

    #[test]
    fn a_pattern_that_names_the_crate_is_enough() {
        let text = WHOLE.replace(
            "\n    \"components/app\",\n    \"components/mail\", # later\n",
            "\"components/*\"",
        );
        let mut manifest = manifest(&text).unwrap();
        manifest.add("shop-web", "components/web");
        let (_, changed) = manifest.changed().unwrap();
        assert!(changed.contains("members = [\"components/*\"]\n"), "{changed}");
    }

    #[test]
    fn a_manifest_that_cannot_have_components_is_an_error() {
        let told = |text: &str| {
            let told = manifest(text).unwrap_err().render(Paint(false));
            told.split_once("Cargo.toml` ").unwrap().1.lines().next().unwrap().to_owned()
        };
        assert_eq!(told(""), "has no section `[package]`");
        assert_eq!(told("[package]\nname = 'a'\n"), "has no section `[workspace]`");
        let text = "[package]\nname = 'a'\n[workspace]\n";
        assert_eq!(told(text), "has no `togusa` in `[workspace.dependencies]`");
        let failure = manifest("[package").unwrap_err().render(Paint(false));
        assert!(failure.contains("Cargo.toml`\n  1: TOML parse error at line 1"), "{failure}");
    }
}
