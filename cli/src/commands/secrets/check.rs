use std::sync::Arc;

use togusa_core::environment::Environment;
use togusa_core::problem::{Problem, Problems, code};
use togusa_core::registry::Registry;
use togusa_core::value::{Value, ValueKind};
use togusa_environments::secrets::{SecretPath, Store};

use super::note;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Secrets, Session};
use crate::text::count;

/// Check that all secrets can be read, are used, and stand nowhere in clear
///
/// Decrypts everything, configures the model, and looks into the environment's files for values
/// that are secrets: attributes that components declare as such, and texts that hold one.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The environment's name
    pub environment: String,
}

impl Check {
    /// Checks the environment and what it extends.
    ///
    /// # Errors
    /// All that was found.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let configured = session.configure(&self.environment, false, Secrets::Open)?;
        let environment = configured.model.environment();
        let mut problems = declared_but_clear(environment, &session.registry);
        let loaded = session.loaded(&self.environment, Secrets::Open)?;
        let mut secrets = Vec::new();
        let mut files = 0;
        for name in &loaded.chain {
            let store = Store::new(&session.root, name)?;
            problems.extend(store.unused_files().into_iter().map(|file| {
                Problem::new(code::UNUSED_SECRET_FILE, format!("`{file}` is named by no secret"))
                    .hint("remove it")
            }));
            let Some(file) = store.read()? else { continue };
            let key = file.unlock(session.identities()).map_err(super::wrong)?;
            secrets.extend(file.open_all(&key)?);
            // Those of a base may be for what other environments do with it.
            let own = file.paths().filter(|_| *name == self.environment);
            let unused = own.filter_map(SecretPath::file);
            let unused = unused.filter(|file| !configured.model.uses_secret_file(file));
            problems.extend(unused.map(|file| {
                Problem::new(
                    code::UNUSED_SECRET_FILE,
                    format!("no component asks for the secret file `{file}`"),
                )
                .hint(format!("`secrets unset {name} files.{file}` removes it"))
            }));
            files += 1;
        }
        for name in &loaded.chain {
            problems.extend(Store::new(&session.root, name)?.in_clear(&secrets)?);
        }
        if !problems.is_empty() {
            return Err(Problems::new(problems).into());
        }
        let (many, where_) = (count(secrets.len(), "secret"), count(files, "file"));
        note(
            session,
            &format!(
                "`{}`: {many} in {where_}, all readable, used, and nowhere in clear",
                self.environment
            ),
        );
        Ok(Exit::Success)
    }
}

/// Attributes that their component declares as secrets and that an environment sets in clear.
fn declared_but_clear(environment: &Environment, registry: &Arc<Registry>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for host in environment.hosts.values() {
        for root in &host.roots {
            let Some(component) = registry.get(root.name.as_str()) else { continue };
            for attribute in component.schema() {
                let value = root.attributes.get(attribute.name);
                if !attribute.type_name.contains("secret") || !value.is_some_and(is_clear) {
                    continue;
                }
                let message = format!(
                    "attribute `{}` of `{}` is a secret, and is set in clear",
                    attribute.name, root.name
                );
                let hint = format!(
                    "move it: `secrets set {} components.{}.{}`; what stood in clear is no secret \
                     any more",
                    environment.name, root.name, attribute.name
                );
                let origin = value.and_then(|value| value.origin.clone());
                problems.push(Problem::new(code::SECRET_IN_CLEAR, message).at(origin).hint(hint));
            }
        }
    }
    problems
}

fn is_clear(value: &Value) -> bool {
    match &value.kind {
        ValueKind::Secret(_) | ValueKind::SecretBytes(_) => false,
        ValueKind::Array(values) => values.iter().any(is_clear),
        ValueKind::Table(table) => table.0.values().any(|entry| is_clear(&entry.value)),
        _ => true,
    }
}
