//! The file with other values: comments, order and all other values keep their bytes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use togusa_core::problem::{Problem, code};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value, value};

use super::LARGEST_INLINE;
use super::environment_key::EnvironmentKey;
use super::header;
use super::members::Members;
use super::path::SecretPath;
use super::store::{self, Replacement};

/// A file that is being rewritten.
pub(crate) struct Rewrite {
    pub(crate) document: DocumentMut,
    files: Vec<(String, Vec<u8>)>,
}

impl Rewrite {
    /// Starts with the text of a file, which is known to be TOML.
    pub(crate) fn new(text: &str) -> Result<Self, Problem> {
        let document = text.parse::<DocumentMut>().map_err(|error| {
            Problem::new(code::NOT_TOML, format!("not valid TOML: {}", error.message()))
        })?;
        Ok(Self { document, files: Vec::new() })
    }

    pub(crate) fn finish(self) -> Replacement {
        Replacement { text: self.document.to_string(), files: self.files }
    }

    /// Writes the table `[encryption]`; what is there of it already keeps its place and comments.
    pub(crate) fn set_header(&mut self, key: &EnvironmentKey, locked: &str, members: &Members) {
        let root = self.document.as_table_mut();
        if !root.contains_key(header::NAME) {
            let mut table = Table::new();
            table.set_position(Some(-1));
            root.insert(header::NAME, Item::Table(table));
        }
        let Some(table) = root.get_mut(header::NAME).and_then(Item::as_table_like_mut) else {
            return;
        };
        put(table, "public_key", key.public().into());
        put(table, "private_key", multi_line(locked));
        if !table.contains_key("members") {
            let mut members = Table::new();
            members.set_position(Some(-1));
            table.insert("members", Item::Table(members));
        }
        let Some(table) = table.get_mut("members").and_then(Item::as_table_like_mut) else {
            return;
        };
        let gone: Vec<String> = table
            .iter()
            .map(|(name, _)| name.to_owned())
            .filter(|name| !members.0.contains_key(name))
            .collect();
        gone.iter().for_each(|name| {
            table.remove(name);
        });
        for (name, keys) in &members.0 {
            if !table.contains_key(name) {
                let keys = match keys.as_slice() {
                    [key] => Value::from(key),
                    keys => Value::Array(keys.iter().collect::<Array>()),
                };
                table.insert(name, value(keys));
            }
        }
    }

    /// Writes a ciphertext at a path: into the file, or beside it where it is large.
    pub(crate) fn set(&mut self, path: &SecretPath, ciphertext: Vec<u8>) -> Result<(), Problem> {
        let text = self.text_for(path, ciphertext);
        let Some((last, above)) = path.parts().split_last() else { return Ok(()) };
        let mut table: &mut dyn TableLike = self.document.as_table_mut();
        for (depth, part) in above.iter().enumerate() {
            if !table.contains_key(part) {
                let mut inner = Table::new();
                inner.set_implicit(depth + 1 < above.len());
                table.insert(part, Item::Table(inner));
            }
            let item = table.get_mut(part).and_then(Item::as_table_like_mut);
            table = item.ok_or_else(|| {
                let upper = SecretPath::new(&path.parts()[..=depth]);
                Problem::new(
                    code::SECRET_BELOW_SECRET,
                    format!("`{path}` cannot be set: `{upper}` is a secret itself"),
                )
                .hint(format!("`secrets unset` removes `{upper}`"))
            })?;
        }
        if table.get(last).is_some_and(Item::is_table_like) {
            return Err(Problem::new(
                code::SECRET_BELOW_SECRET,
                format!("`{path}` cannot be set: there are secrets below it"),
            ));
        }
        put(table, last, text.into());
        Ok(())
    }

    /// What stands in the file for a ciphertext. A whole file lies beside it, whatever its size.
    pub(crate) fn text_for(&mut self, path: &SecretPath, ciphertext: Vec<u8>) -> String {
        if ciphertext.len() <= LARGEST_INLINE && path.file().is_none() {
            return BASE64_STANDARD.encode(ciphertext);
        }
        let name = store::name_of(path, &ciphertext);
        self.files.push((name.clone(), ciphertext));
        name
    }

    /// Removes a value, and the tables that it leaves empty.
    pub(crate) fn unset(&mut self, path: &SecretPath) {
        remove(self.document.as_table_mut(), path.parts());
    }

    /// The value at a path.
    pub(crate) fn get_mut(&mut self, path: &SecretPath) -> Option<&mut Value> {
        let mut item = self.document.as_item_mut();
        for part in path.parts() {
            item = item.as_table_like_mut()?.get_mut(part)?;
        }
        item.as_value_mut()
    }
}

/// Puts a value in the place of another, with the comments around that.
pub(crate) fn put(table: &mut dyn TableLike, name: &str, mut new: Value) {
    match table.get_mut(name).and_then(Item::as_value_mut) {
        Some(old) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        None => {
            table.insert(name, value(new));
        }
    }
}

fn remove(table: &mut dyn TableLike, path: &[String]) {
    let Some((first, below)) = path.split_first() else { return };
    if !below.is_empty() {
        let Some(inner) = table.get_mut(first).and_then(Item::as_table_like_mut) else { return };
        remove(inner, below);
        if !inner.is_empty() {
            return;
        }
    }
    table.remove(first);
}

/// A text of several lines, written as such.
fn multi_line(text: &str) -> Value {
    let written = format!("\"\"\"\n{text}\"\"\"");
    // Armor holds nothing that TOML would have to escape.
    written.parse().unwrap_or_else(|_| Value::from(text))
}
