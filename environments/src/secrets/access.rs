//! Whether loading an environment opens its secrets.

use std::path::Path;

use togusa_core::problem::Problem;
use togusa_core::secret::Secret;
use togusa_core::value::{Table, ValueKind};

use super::Clear;
use super::document::replaced;
use super::identities::Identities;
use super::path::SecretPath;
use super::store::Store;

/// Where secrets come from when an environment is loaded.
#[derive(Clone, Copy, Debug)]
pub enum Access<'a> {
    /// They are decrypted.
    With(&'a Identities),
    /// Placeholders stand for them: the model can be checked, and never deployed.
    Placeholders,
}

impl Access<'_> {
    /// The secrets of one environment, of the same shape as its own file; `None`: it has none.
    pub(crate) fn table(
        self,
        project_root: &Path,
        environment: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Table> {
        let file = match Store::at(project_root, environment).read() {
            Ok(file) => file?,
            Err(wrong) => {
                problems.extend(wrong.list);
                return None;
            }
        };
        let top = SecretPath::new([""; 0]);
        let Self::With(identities) = self else {
            let mut placeholder =
                |path: &SecretPath| Some(ValueKind::Secret(Secret::placeholder(&path.to_string())));
            return Some(replaced(&file.table, &top, &mut placeholder));
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
            Ok(value) => Some(secret(value)),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        Some(replaced(&file.table, &top, &mut open))
    }
}

fn secret(mut value: Clear) -> ValueKind {
    match String::from_utf8(std::mem::take(&mut *value)) {
        Ok(text) => ValueKind::Secret(Secret::new(text)),
        Err(error) => ValueKind::SecretBytes(Secret::new(error.into_bytes())),
    }
}
