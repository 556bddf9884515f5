//! All values in clear as a text for an editor, and back.
//!
//! The text is the file itself without its header, each value in clear. What is no text stands as
//! `base64:…`, a value in a file of its own as `file:…`. What did not change keeps its ciphertext.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use togusa_core::problem::{Problem, Problems, code};
use togusa_core::secret::SHORTEST_MASKED;
use togusa_core::value::Origin;
use toml_edit::{DocumentMut, Value};
use zeroize::Zeroizing;

use super::Clear;
use super::document::{Form, SecretFile, leaves};
use super::environment_key::EnvironmentKey;
use super::header;
use super::identities::Identities;
use super::operations::{one, recipient};
use super::path::SecretPath;
use super::rewrite::Rewrite;
use super::seal::{self, Place};
use super::store::Locked;
use crate::parse::parse;
use crate::source::Source;

const BASE64: &str = "base64:";
const FILE: &str = "file:";

/// How the lines begin that explain the text; they are not kept.
const EXPLAINED: &str = "#:";

/// Secrets that are being edited; nobody else can change them meanwhile.
pub struct Editing<'a> {
    locked: &'a Locked,
    file: SecretFile,
    values: BTreeMap<SecretPath, Clear>,
    text: Zeroizing<String>,
    /// Whether an empty line was put between the explanation and what is below it.
    spaced: bool,
}

/// What an edit changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edited {
    /// Values that are new.
    pub added: Vec<SecretPath>,
    /// Values that are others now.
    pub changed: Vec<SecretPath>,
    /// Values that are gone.
    pub removed: Vec<SecretPath>,
}

impl Edited {
    /// Whether all values are what they were.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl fmt::Debug for Editing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Editing")
            .field("environment", &self.file.environment)
            .finish_non_exhaustive()
    }
}

impl<'a> Editing<'a> {
    /// Decrypts all values.
    ///
    /// # Errors
    /// The environment has no secrets, no identity is a member's, or values cannot be decrypted.
    pub fn new(locked: &'a Locked, identities: &Identities) -> Result<Self, Problems> {
        let file = locked.store().require()?;
        let key = file.unlock(identities).map_err(one)?;
        let values = opened(&file, &key)?;
        let body = in_clear(&file, &values).map_err(one)?;
        let spaced = !body.starts_with('\n');
        let text = explained(&file.environment, &body, spaced);
        Ok(Self { locked, file, values, text, spaced })
    }

    /// The text to edit.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Encrypts what changed in the text and replaces the file.
    ///
    /// # Errors
    /// All that is wrong with the text, with places in `name`; or the file cannot be written. The
    /// file is as it was.
    pub fn save(&self, name: &str, text: &str) -> Result<Edited, Problems> {
        let mut problems = Vec::new();
        let source = Source::new(name, text);
        let Some(table) = parse(&source, &mut problems) else {
            return Err(Problems::new(problems));
        };
        if let Some(entry) = table.0.get(header::NAME) {
            let message = format!("`{}` is written by the commands for members", header::NAME);
            problems.push(
                Problem::new(code::EDITED_SECRETS, message)
                    .at(entry.name_origin.clone())
                    .hint("leave it out"),
            );
        }
        let mut values = BTreeMap::new();
        for (path, written, origin) in leaves(&table, &mut problems) {
            match self.value(&path, written) {
                Ok(value) => {
                    values.insert(path, value);
                }
                Err(problem) => problems.push(problem.at(origin)),
            }
        }
        self.no_clear_comments(&source, &values, &mut problems);
        if !problems.is_empty() {
            return Err(Problems::new(problems));
        }
        self.replace(text, &values)
    }

    /// What a text stands for.
    fn value(&self, path: &SecretPath, written: String) -> Result<New, Problem> {
        if let Some(named) = written.strip_prefix(FILE) {
            let same = self
                .file
                .sealed(path)
                .is_ok_and(|sealed| matches!(&sealed.form, Form::File(name) if name == named));
            return if same {
                Ok(New::Kept)
            } else {
                Err(Problem::new(
                    code::EDITED_SECRETS,
                    format!("`{path}`: a value of a file of its own cannot be named here"),
                )
                .hint(format!(
                    "`secrets set {} {path} --file FILE` sets it",
                    self.file.environment
                )))
            };
        }
        let value = match written.strip_prefix(BASE64) {
            Some(encoded) => {
                let bare: String = encoded.split_whitespace().collect();
                Zeroizing::new(BASE64_STANDARD.decode(bare).map_err(|_| {
                    Problem::new(
                        code::EDITED_SECRETS,
                        format!("`{path}`: what follows `{BASE64}` is no Base64"),
                    )
                })?)
            }
            None => Zeroizing::new(written.into_bytes()),
        };
        Ok(match self.values.get(path) {
            Some(old) if *old == value => New::Kept,
            _ => New::Value(value),
        })
    }

    /// Refuses comments that would put a secret into the file in clear.
    fn no_clear_comments(
        &self,
        source: &Source<'_>,
        values: &BTreeMap<SecretPath, New>,
        problems: &mut Vec<Problem>,
    ) {
        let new = values.values().filter_map(|value| match value {
            New::Value(value) => Some(value),
            New::Kept => None,
        });
        let known: Vec<&str> = new
            .chain(self.values.values())
            .filter_map(|value| std::str::from_utf8(value).ok())
            .flat_map(str::lines)
            .map(str::trim)
            .filter(|line| line.len() >= SHORTEST_MASKED)
            .collect();
        for (place, comment) in comments(source) {
            let is_setting = comment
                .parse::<DocumentMut>()
                .is_ok_and(|document| document.iter().any(|(_, item)| item.is_value()));
            let message = if is_setting {
                "the comment holds a value, which would stand in the file in clear"
            } else if known.iter().any(|secret| comment.contains(secret)) {
                "the comment holds a secret, which would stand in the file in clear"
            } else {
                continue;
            };
            problems.push(
                Problem::new(code::SECRET_IN_CLEAR, message)
                    .at(Some(place))
                    .hint("remove it; git remembers"),
            );
        }
    }

    fn replace(&self, text: &str, values: &BTreeMap<SecretPath, New>) -> Result<Edited, Problems> {
        let recipient = recipient(&self.file).map_err(one)?;
        let mut old = self.file.text.parse::<DocumentMut>().map_err(|error| {
            one(Problem::new(code::NOT_TOML, format!("not valid TOML: {}", error.message())))
        })?;
        let mut rewrite = Rewrite::new(without_explanation(text, self.spaced)).map_err(one)?;
        let mut edited = Edited::default();
        for (path, value) in values {
            let mut new = match value {
                New::Kept => {
                    let Some(kept) = value_at(&mut old, path) else { continue };
                    kept.clone()
                }
                New::Value(value) => {
                    let known = self.values.contains_key(path) || self.file.sealed(path).is_ok();
                    let list = if known { &mut edited.changed } else { &mut edited.added };
                    list.push(path.clone());
                    let place = Place { environment: &self.file.environment, path };
                    let ciphertext = seal::seal(&recipient, place, value).map_err(one)?;
                    Value::from(rewrite.text_for(path, ciphertext))
                }
            };
            if let Some(written) = rewrite.get_mut(path) {
                *new.decor_mut() = written.decor().clone();
                *written = new;
            }
        }
        let removed = self.file.paths().filter(|path| !values.contains_key(path));
        edited.removed.extend(removed.cloned());
        if let Some(mut header) = old.remove(header::NAME) {
            place_first(&mut header);
            rewrite.document.insert(header::NAME, header);
        }
        let replacement = rewrite.finish();
        if replacement.text != self.file.text {
            self.locked.replace(Some(&self.file.text), &replacement)?;
        }
        Ok(edited)
    }
}

/// What stands in the edited text for a value.
enum New {
    Kept,
    Value(Clear),
}

/// The values that stand in the file itself.
fn opened(
    file: &SecretFile,
    key: &EnvironmentKey,
) -> Result<BTreeMap<SecretPath, Clear>, Problems> {
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for sealed in &file.values {
        if matches!(sealed.form, Form::File(_)) {
            continue;
        }
        match file.open(key, sealed) {
            Ok(value) => {
                values.insert(sealed.path.clone(), value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(Problems::new(problems)) }
}

fn in_clear(
    file: &SecretFile,
    values: &BTreeMap<SecretPath, Clear>,
) -> Result<Zeroizing<String>, Problem> {
    let mut rewrite = Rewrite::new(&file.text)?;
    for sealed in &file.values {
        let Some(written) = rewrite.get_mut(&sealed.path) else { continue };
        let mut clear = match (&sealed.form, values.get(&sealed.path)) {
            (Form::File(name), _) => Value::from(format!("{FILE}{name}")),
            (Form::Inline(_), Some(value)) => Value::from(shown(value)),
            (Form::Inline(_), None) => continue,
        };
        *clear.decor_mut() = written.decor().clone();
        *written = clear;
    }
    rewrite.document.remove(header::NAME);
    Ok(Zeroizing::new(rewrite.document.to_string()))
}

/// A text below what explains it.
fn explained(environment: &str, body: &str, spaced: bool) -> Zeroizing<String> {
    let explanation = format!(
        "{EXPLAINED} The secrets of `{environment}` in clear. Leaving the editor encrypts them.\n\
         {EXPLAINED} A secret is an attribute, as in environment.toml:\n\
         {EXPLAINED}     [components.app]\n\
         {EXPLAINED}     password = \"…\"\n\
         {EXPLAINED} `{BASE64}…` is what is no text; `{FILE}…` is a value in a file of its own.\n\
         {EXPLAINED} Comments are kept, and stay in clear.\n"
    );
    let mut text = Zeroizing::new(String::with_capacity(explanation.len() + body.len() + 1));
    text.push_str(&explanation);
    text.push_str(if spaced { "\n" } else { "" });
    text.push_str(body);
    text
}

fn shown(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if !text.starts_with(BASE64) && !text.starts_with(FILE) => text.to_owned(),
        _ => format!("{BASE64}{}", BASE64_STANDARD.encode(value)),
    }
}

/// The text without the lines at its top that explain it.
fn without_explanation(text: &str, spaced: bool) -> &str {
    let mut rest = text;
    while rest.starts_with(EXPLAINED) {
        rest = rest.split_once('\n').map_or("", |(_, below)| below);
    }
    rest.strip_prefix(if spaced { "\n" } else { "" }).unwrap_or(rest)
}

/// The comments of a text that are kept.
fn comments(source: &Source<'_>) -> Vec<(Origin, String)> {
    let mut found = Vec::new();
    let values = strings(source.text);
    let mut start = source.text.len() - without_explanation(source.text, false).len();
    for line in source.text[start..].split_inclusive('\n') {
        let inside = |at: usize| values.iter().any(|span| span.contains(&at));
        let at = line.match_indices('#').map(|(at, _)| start + at).find(|at| !inside(*at));
        if let Some(at) = at {
            let comment = &source.text[at..start + line.len()];
            let comment = comment.trim_start_matches(['#', ':', ' ', '\t']).trim_end().to_owned();
            found.push((source.origin(at), comment));
        }
        start += line.len();
    }
    found
}

/// Where the keys and values of a document stand.
fn strings(text: &str) -> Vec<std::ops::Range<usize>> {
    fn of(table: &toml::de::DeTable<'_>, spans: &mut Vec<std::ops::Range<usize>>) {
        for (name, value) in table {
            spans.push(name.span());
            match value.get_ref() {
                toml::de::DeValue::Table(inner) => of(inner, spans),
                _ => spans.push(value.span()),
            }
        }
    }
    let mut spans = Vec::new();
    // A text that is no TOML was told before.
    if let Ok(document) = toml::de::DeTable::parse(text) {
        of(document.get_ref(), &mut spans);
    }
    spans
}

fn value_at<'a>(document: &'a mut DocumentMut, path: &SecretPath) -> Option<&'a mut Value> {
    let mut item = document.as_item_mut();
    for part in path.parts() {
        item = item.as_table_like_mut()?.get_mut(part)?;
    }
    item.as_value_mut()
}

/// Moves a table and those in it before all others of the file that it is put into.
fn place_first(item: &mut toml_edit::Item) {
    let Some(table) = item.as_table_mut() else { return };
    table.set_position(Some(-1));
    for (_, inner) in table.iter_mut() {
        place_first(inner);
    }
}
