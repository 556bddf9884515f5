//! The file as it stands; nothing is decrypted.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use togusa_core::names::nearest;
use togusa_core::problem::{Problem, Problems, code};
use togusa_core::value::{Entry, Origin, Table, Value, ValueKind};

use super::Clear;
use super::environment_key::EnvironmentKey;
use super::header::{self, Header};
use super::identities::Identities;
use super::members::Members;
use super::path::SecretPath;
use super::seal::{self, Place};
use super::store;
use crate::parse::parse;
use crate::source::Source;

/// The secrets of one environment as they stand in its file.
#[derive(Clone, Debug)]
pub struct SecretFile {
    pub(crate) environment: String,
    /// The directory of the environment.
    pub(crate) directory: PathBuf,
    pub(crate) text: String,
    pub(crate) header: Header,
    /// What the file holds besides its header.
    pub(crate) table: Table,
    pub(crate) values: Vec<Sealed>,
}

/// One encrypted value.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) path: SecretPath,
    pub(crate) origin: Option<Origin>,
    pub(crate) form: Form,
}

/// Where the ciphertext stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In the file itself: armored, or the binary form in Base64.
    Inline(String),
    /// In a file of this name below `secrets`.
    File(String),
}

impl Form {
    pub(crate) fn of(text: &str) -> Self {
        if text.ends_with(store::SUFFIX) {
            Self::File(text.to_owned())
        } else {
            Self::Inline(text.to_owned())
        }
    }
}

impl SecretFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// Every mistake in it, with its place.
    pub(crate) fn parse(
        environment: &str,
        directory: PathBuf,
        text: String,
    ) -> Result<Self, Problems> {
        let file = store::path_of(environment);
        let mut problems = Vec::new();
        let Some(mut table) = parse(&Source::new(&file, &text), &mut problems) else {
            return Err(Problems::new(problems));
        };
        let header = Header::read(&table, &mut problems);
        table.0.shift_remove(header::NAME);
        let values = leaves(&table, &mut problems)
            .into_iter()
            .map(|(path, text, origin)| Sealed { path, origin, form: Form::of(&text) })
            .collect();
        match header {
            Some(header) if problems.is_empty() => {
                let environment = environment.to_owned();
                Ok(Self { environment, directory, text, header, table, values })
            }
            _ => Err(Problems::new(problems.into_iter().map(|problem| {
                let place = problem
                    .origin
                    .clone()
                    .or_else(|| Some(Origin { file: file.clone(), line: 1, column: 1 }));
                problem.at(place)
            }))),
        }
    }

    /// The paths of all values, in the order of the file.
    pub fn paths(&self) -> impl Iterator<Item = &SecretPath> {
        self.values.iter().map(|sealed| &sealed.path)
    }

    /// Who may decrypt.
    pub fn members(&self) -> &Members {
        &self.header.members
    }

    /// The public half of the environment's key.
    pub fn public_key(&self) -> &str {
        &self.header.public_key
    }

    /// Unlocks the environment's key with an identity of a member.
    ///
    /// # Errors
    /// No identity is a member's, or the file's key, environment or members are not those that
    /// were encrypted.
    pub fn unlock(&self, identities: &Identities) -> Result<EnvironmentKey, Problem> {
        EnvironmentKey::unlock(self, identities)
    }

    /// Decrypts the value at a path.
    ///
    /// # Errors
    /// There is none, or it cannot be decrypted.
    pub fn get(&self, key: &EnvironmentKey, path: &SecretPath) -> Result<Clear, Problem> {
        self.open(key, self.sealed(path)?)
    }

    /// Decrypts all values.
    ///
    /// # Errors
    /// Those that cannot be decrypted.
    pub fn open_all(&self, key: &EnvironmentKey) -> Result<Vec<(SecretPath, Clear)>, Problems> {
        let mut problems = Vec::new();
        let mut opened = Vec::with_capacity(self.values.len());
        for sealed in &self.values {
            match self.open(key, sealed) {
                Ok(value) => opened.push((sealed.path.clone(), value)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(opened) } else { Err(Problems::new(problems)) }
    }

    /// The encrypted value at a path.
    pub(crate) fn sealed(&self, path: &SecretPath) -> Result<&Sealed, Problem> {
        self.values.iter().find(|sealed| sealed.path == *path).ok_or_else(|| {
            let known: Vec<String> = self.paths().map(ToString::to_string).collect();
            let problem = Problem::new(
                code::NO_SUCH_SECRET,
                format!("`{}` has no secret `{path}`", self.environment),
            );
            match nearest(&path.to_string(), known.iter().map(String::as_str)) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint(format!("`secrets list {}` shows them", self.environment)),
            }
        })
    }

    pub(crate) fn open(&self, key: &EnvironmentKey, sealed: &Sealed) -> Result<Clear, Problem> {
        let place = Place { environment: &self.environment, path: &sealed.path };
        self.ciphertext(sealed)
            .and_then(|ciphertext| seal::open(&key.identity, place, &ciphertext))
            .map_err(|problem| problem.at(sealed.origin.clone()))
    }

    fn ciphertext(&self, sealed: &Sealed) -> Result<Vec<u8>, Problem> {
        let failed = |cause: String| {
            let problem =
                Problem::new(code::CANNOT_DECRYPT, format!("failed to decrypt `{}`", sealed.path));
            Problem { causes: vec![cause], ..problem }
        };
        match &sealed.form {
            Form::Inline(text) if text.trim_start().starts_with("-----BEGIN") => {
                Ok(text.trim().as_bytes().to_vec())
            }
            Form::Inline(text) => {
                let bare: String = text.split_whitespace().collect();
                BASE64_STANDARD.decode(bare).map_err(|_| {
                    failed("it is not encrypted: neither armored nor Base64".into()).hint(format!(
                        "`secrets set {} {}` encrypts a value",
                        self.environment, sealed.path
                    ))
                })
            }
            Form::File(name) => store::read_whole(&self.directory, name).map_err(failed),
        }
    }

    /// The files below `secrets` that hold values.
    pub(crate) fn files(&self) -> BTreeSet<&str> {
        let files = self.values.iter().filter_map(|sealed| match &sealed.form {
            Form::File(name) => Some(name.as_str()),
            Form::Inline(_) => None,
        });
        files.collect()
    }
}

/// The texts of a table with their paths; whatever else it holds is a mistake.
pub(crate) fn leaves(
    table: &Table,
    problems: &mut Vec<Problem>,
) -> Vec<(SecretPath, String, Option<Origin>)> {
    let mut found = Vec::new();
    let mut misplaced = BTreeSet::new();
    visit(table, &SecretPath::new([""; 0]), &mut |path, entry| {
        let place = || entry.name_origin.clone().or_else(|| entry.value.origin.clone());
        match &entry.value.kind {
            ValueKind::String(text) => match path.check() {
                Ok(()) => found.push((path.clone(), text.clone(), entry.value.origin.clone())),
                Err(problem) => {
                    if misplaced.insert(path.parts()[0].clone()) {
                        problems.push(problem.at(place()));
                    }
                }
            },
            _ => problems.push(
                Problem::new(
                    code::EDITED_SECRETS,
                    format!("`{path}`: expected a text, found {}", entry.value.type_name()),
                )
                .at(entry.value.origin.clone())
                .hint("every secret is a text with a name of its own"),
            ),
        }
    });
    found
}

fn visit(table: &Table, above: &SecretPath, each: &mut impl FnMut(&SecretPath, &Entry)) {
    for (name, entry) in &table.0 {
        let path = above.join(name);
        match &entry.value.kind {
            ValueKind::Table(inner) => visit(inner, &path, each),
            _ => each(&path, entry),
        }
    }
}

/// The table with other values in place of its texts; what gets none is left out.
pub(crate) fn replaced(
    table: &Table,
    above: &SecretPath,
    with: &mut impl FnMut(&SecretPath) -> Option<ValueKind>,
) -> Table {
    let mut replaced = Table::default();
    for (name, entry) in &table.0 {
        let path = above.join(name);
        let kind = match &entry.value.kind {
            ValueKind::Table(inner) => Some(ValueKind::Table(self::replaced(inner, &path, with))),
            _ => with(&path),
        };
        if let Some(kind) = kind {
            let value = Value { kind, origin: entry.value.origin.clone() };
            replaced
                .0
                .insert(name.clone(), Entry { name_origin: entry.name_origin.clone(), value });
        }
    }
    replaced
}
