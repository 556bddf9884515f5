use std::path::Path;

use togusa::core::problem::{Problem, code};
use togusa::failure::Failure;
use togusa::ui::Ui;

use super::super::files::{self, Staged};
use super::super::manifest::Manifest;
use super::super::registration::Registration;
use super::super::{names, template, wrong};
use super::{Done, require_absent};

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
        let program = std::fs::read_to_string(root.join(PROGRAM)).ok();
        let registration = program.as_deref().and_then(Registration::find);
        if registration.as_ref().is_some_and(|it| it.names().contains(&name)) {
            let problem = Problem::new(
                code::THERE_ALREADY,
                format!("`{PROGRAM}` registers a component `{name}` already"),
            );
            return Err(wrong(problem.hint("choose another name")));
        }

        let parts = template::component(name, &package);
        let files = parts.iter().map(|(path, _)| path.clone()).collect();
        let mut done = Done { files, ..Done::default() };
        let below = format!("{directory}/");
        let inside: Vec<_> = parts
            .into_iter()
            .map(|(path, text)| (path.trim_start_matches(&below).to_owned(), text))
            .collect();
        let place = root.join("components");
        Staged::write(&place, &inside)?.become_directory(&root.join(&directory))?;
        manifest.add(&package, &directory);
        if let Some((path, text)) = manifest.changed() {
            files::replace(path, &text)?;
            done.changed.push(("Cargo.toml".to_owned(), format!("depends on `{package}`")));
        }
        match registration {
            Some(registration) => {
                files::replace(&root.join(PROGRAM), &registration.with(&call))?;
                done.changed.push((PROGRAM.to_owned(), format!("registers `{name}`")));
            }
            None => done.next.push(format!(
                "add to the registry of the program, as `{PROGRAM}` has no `Registry::new()` that \
                 could be added to, or several:\n  {call}"
            )),
        }
        done.next.push(format!("name it in an environment: `components = [\"{name}\"]` of a host"));
        done.tell(ui);
        Ok(())
    }
}
