use std::io;
use std::path::{Path, PathBuf};

use togusa::core::problem::{Problem, code};
use togusa::failure::Failure;
use togusa::ui::Ui;

use super::super::files::{self, Staged};
use super::super::manifest::Manifest;
use super::super::registration::Registration;
use super::super::{failed, names, template, wrong};
use super::{Added, require_absent};

const PROGRAM: &str = "src/main.rs";

/// Add a component: a crate below `components/`, registered in `src/main.rs`
#[derive(Debug, clap::Args)]
pub struct Component {
    /// The name by which environments will call it
    pub name: String,
}

impl Component {
    /// Writes the crate, and adds it to the manifest and to the registry.
    ///
    /// # Errors
    /// Something has the name already, or it cannot be written.
    pub fn run(&self, root: &Path, ui: &Ui) -> Result<(), Failure> {
        let name = self.name.as_str();
        names::check("component", name)?;
        if template::uses(&names::type_of(name)) {
            let message = format!("`{name}` cannot be the name of a component");
            let problem = Problem::new(code::NAME_REFUSED, message);
            return Err(wrong(problem.hint(format!(
                "its source uses another type `{}`: how about `my-{name}`?",
                names::type_of(name)
            ))));
        }
        let directory = format!("components/{name}");
        require_absent(root, &directory)?;
        let mut manifest = Manifest::read(root)?;
        let package = format!("{}-{name}", manifest.package());
        if manifest.depends_on(&package) {
            let problem = Problem::new(
                code::THERE_ALREADY,
                format!("`Cargo.toml` depends on `{package}` already"),
            );
            return Err(wrong(problem.hint(
                "choose another name; or, if its crate is gone, remove that line and the one in \
                 `src/main.rs` that registers it",
            )));
        }
        let call =
            format!(".with::<{}::{}>(\"{name}\")", names::crate_of(&package), names::type_of(name));
        // A program that is laid out otherwise is for its author to change.
        let program = match std::fs::read_to_string(root.join(PROGRAM)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => Some(read.map_err(|error| failed("read", Path::new(PROGRAM), &error))?),
        };
        let registration = program.as_deref().and_then(Registration::find);
        if registration.as_ref().is_some_and(|it| it.names().contains(&name)) {
            let problem = Problem::new(
                code::THERE_ALREADY,
                format!("`{PROGRAM}` registers a component `{name}` already"),
            );
            return Err(wrong(problem.hint(
                "choose another name; or, if its crate is gone, remove that line and the one in \
                 `src/main.rs` that registers it",
            )));
        }

        let parts = template::component(name, &package);
        let mut added = Added::new("component", name, parts.iter().map(|(path, _)| path.as_str()));
        let below = format!("{directory}/");
        let inside: Vec<_> = parts
            .into_iter()
            .map(|(path, text)| (path.trim_start_matches(&below).to_owned(), text))
            .collect();
        manifest.add(&package, &directory);
        let mut changes = Vec::new();
        if let Some((path, text)) = manifest.changed() {
            changes.push((path.to_owned(), manifest.before().to_owned(), text));
            added.change("Cargo.toml", format!("depends on `{package}`"));
        }
        match (registration, &program) {
            (Some(registration), Some(before)) => {
                changes.push((root.join(PROGRAM), before.clone(), registration.with(&call)));
                added.change(PROGRAM, format!("registers `{name}`"));
            }
            _ => added.next.push(format!(
                "add to the registry of the program, as `{PROGRAM}` has no `Registry::new()` that \
                 could be added to, or several:\n  {call}"
            )),
        }
        let place = root.join("components");
        Staged::write(&place, &inside)?.become_directory(&root.join(&directory))?;
        replace_all(&changes).inspect_err(|_| {
            // Unchanged since it was written; the first error is the one to tell.
            let _ = std::fs::remove_dir_all(root.join(&directory));
        })?;
        added
            .next
            .push(format!("name it in an environment: `components = [\"{name}\"]` of a host"));
        added.tell(ui);
        Ok(())
    }
}

/// Replaces the texts of files, or of none: each with its text before and its new one.
fn replace_all(changes: &[(PathBuf, String, String)]) -> Result<(), Failure> {
    for (number, (path, _, text)) in changes.iter().enumerate() {
        files::replace(path, text).inspect_err(|_| {
            for (path, before, _) in &changes[..number] {
                // The first error is the one to tell.
                let _ = files::replace(path, before);
            }
        })?;
    }
    Ok(())
}
