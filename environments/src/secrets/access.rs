//! Whether loading an environment opens its secrets.

use std::collections::BTreeMap;
use std::path::Path;

use togusa_core::problem::Problem;
use togusa_core::secret::Secret;
use togusa_core::value::{Table, ValueKind};

use super::Clear;
use super::document::replaced;
use super::identities::Identities;
use super::path::{FILES, SecretPath};
use super::store::Store;

/// Where secrets come from when an environment is loaded.
#[derive(Clone, Copy, Debug)]
pub enum Access<'a> {
    /// They are decrypted.
    With(&'a Identities),
    /// Placeholders stand for them: the model can be checked, and never deployed.
    Placeholders,
}

/// The secrets of one environment.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// Those of the same shape as its own file.
    pub(crate) table: Table,
    /// Whole files, by name.
    pub(crate) files: BTreeMap<String, Secret<Vec<u8>>>,
}

impl Access<'_> {
    /// The secrets of one environment; `None`: it has none.
    pub(crate) fn open(
        self,
        project_root: &Path,
        environment: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Opened> {
        let file = match Store::at(project_root, environment).read() {
            Ok(file) => file?,
            Err(wrong) => {
                problems.extend(wrong.list);
                return None;
            }
        };
        let top = SecretPath::new([""; 0]);
        let Self::With(identities) = self else {
            let mut placeholder = |path: &SecretPath| {
                let name = path.to_string();
                Some(match path.file() {
                    Some(_) => ValueKind::SecretBytes(Secret::placeholder(&name)),
                    None => ValueKind::Secret(Secret::placeholder(&name)),
                })
            };
            return Some(opened(replaced(&file.table, &top, &mut placeholder)));
        };
        if file.values.is_empty() {
            return None;
        }
        let key = match file.unlock(identities) {
            Ok(key) => key,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        let mut open = |path: &SecretPath| match file.get(&key, path) {
            Ok(value) => Some(secret(path, value)),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        Some(opened(replaced(&file.table, &top, &mut open)))
    }
}

/// Takes the whole files out of a table.
fn opened(mut table: Table) -> Opened {
    let section = table.0.shift_remove(FILES).map(|entry| entry.value.kind);
    let Some(ValueKind::Table(section)) = section else {
        return Opened { table, files: BTreeMap::new() };
    };
    let files = section.0.into_iter().filter_map(|(name, entry)| match entry.value.kind {
        ValueKind::SecretBytes(content) => Some((name, content)),
        _ => None,
    });
    Opened { table, files: files.collect() }
}

fn secret(path: &SecretPath, mut value: Clear) -> ValueKind {
    let bytes = std::mem::take(&mut *value);
    if path.file().is_some() {
        return ValueKind::SecretBytes(Secret::new(bytes));
    }
    match String::from_utf8(bytes) {
        Ok(text) => ValueKind::Secret(Secret::new(text)),
        Err(error) => ValueKind::SecretBytes(Secret::new(error.into_bytes())),
    }
}
