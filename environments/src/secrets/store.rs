//! The file on disk: read, locked against others, replaced at once.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use togusa_core::digest::Digest;
use togusa_core::problem::{Problem, Problems, code};
use togusa_core::secret::SHORTEST_MASKED;
use togusa_core::value::{Origin, Value, ValueKind};

use super::Clear;
use super::LARGEST;
use super::document::SecretFile;
use super::path::SecretPath;
use crate::files;
use crate::parse::parse;
use crate::source::Source;

const ENVIRONMENT: &str = "environment.toml";
const FILE: &str = "secrets.toml";
const FOLDER: &str = "secrets";

/// How the name of a file ends that holds one value.
pub(crate) const SUFFIX: &str = ".age";

/// How the name of a file begins that is not in its place yet; no editor calls its own files so.
const TEMPORARY: &str = ".togusa-secrets-";

/// What encryption adds to a value at most: the header, and 16 bytes for each 64 KiB.
const OVERHEAD: u64 = 64 * 1024;

/// Where the secrets of an environment lie, relative to the project's root.
pub fn path_of(environment: &str) -> String {
    format!("{}/{FILE}", files::folder_of(environment))
}

/// The place of one environment's secrets.
#[derive(Clone, Debug)]
pub struct Store {
    environment: String,
    directory: PathBuf,
}

impl Store {
    /// The place of the secrets of an environment, which must exist.
    ///
    /// # Errors
    /// The project has no such environment.
    pub fn new(project_root: &Path, environment: &str) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        match files::read(project_root, environment, None, &mut problems) {
            Some(_) => Ok(Self::at(project_root, environment)),
            None => Err(Problems::new(problems)),
        }
    }

    pub(crate) fn at(project_root: &Path, environment: &str) -> Self {
        let directory = project_root.join(files::folder_of(environment));
        Self { environment: environment.to_owned(), directory }
    }

    /// The environment's name.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Reads the secrets; `None` where the environment has none.
    ///
    /// # Errors
    /// Every mistake in the file, or it cannot be read.
    pub fn read(&self) -> Result<Option<SecretFile>, Problems> {
        let Some(text) = self.text().map_err(|problem| Problems::new([problem]))? else {
            return Ok(None);
        };
        SecretFile::parse(&self.environment, self.directory.clone(), text).map(Some)
    }

    /// Reads the secrets of an environment that must have some.
    ///
    /// # Errors
    /// As [`read`](Self::read), or the environment has none.
    pub fn require(&self) -> Result<SecretFile, Problems> {
        self.read()?.ok_or_else(|| {
            let name = &self.environment;
            Problems::new([Problem::new(
                code::NO_SECRETS,
                format!("environment `{name}` has no secrets"),
            )
            .hint(format!("begin with a first member: `secrets add {name} NAME PUBLIC-KEY`"))])
        })
    }

    /// Keeps others from changing the secrets until the result is dropped.
    ///
    /// # Errors
    /// Another process is changing them.
    pub fn lock(&self) -> Result<Locked, Problem> {
        let failed = |error: io::Error| {
            let problem = Problem::new(
                code::SECRETS_FILE,
                format!("cannot lock the secrets of `{}`", self.environment),
            );
            Problem { causes: vec![error.to_string()], ..problem }
        };
        let lock = File::open(&self.directory).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Locked { store: self.clone(), lock }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
            Err(TryLockError::WouldBlock) => {
                let message = format!(
                    "the secrets of `{}` are being changed by another command",
                    self.environment
                );
                Err(Problem::new(code::SECRETS_BUSY, message)
                    .hint("wait until it is done, or end its editor"))
            }
        }
    }

    /// Files below `secrets` that no secret names, relative to the project's root.
    pub fn unused_files(&self) -> Vec<String> {
        let Ok(Some(file)) = self.read() else { return Vec::new() };
        let Ok(entries) = fs::read_dir(self.directory.join(FOLDER)) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut unused: Vec<_> =
            names.filter(|name| !file.files().contains(name.as_str())).collect();
        unused.sort();
        let folder = files::folder_of(&self.environment);
        unused.into_iter().map(|name| format!("{folder}/{FOLDER}/{name}")).collect()
    }

    /// Lines of the environment's own file that hold one of these values, or a line of one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn in_clear(&self, secrets: &[(SecretPath, Clear)]) -> Result<Vec<Problem>, Problems> {
        let file = files::path_of(&self.environment);
        let text = fs::read_to_string(self.directory.join(ENVIRONMENT)).map_err(|error| {
            let problem = Problem::new(code::SECRETS_FILE, format!("failed to read `{file}`"));
            Problems::new([Problem { causes: vec![error.to_string()], ..problem }])
        })?;
        let mut places = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            for (path, value) in secrets {
                let Some(at) = lines_of(value).find_map(|part| found(line, part)) else { continue };
                let column = line[..at].chars().count() as u32 + 1;
                places.push((path, Origin { file: file.clone(), line: number, column }));
            }
        }
        // A text may also hold it in other signs than those of the line, such as `\"`. What is no
        // TOML is told when the environment is loaded.
        let table = parse(&Source::new(&file, &text), &mut Vec::new()).unwrap_or_default();
        for (origin, inner) in texts(&ValueKind::Table(table)) {
            let hidden = |part| found(&inner, part).is_some() && found(&text, part).is_none();
            let held = secrets.iter().filter(|(_, value)| lines_of(value).any(hidden));
            places.extend(held.map(|(path, _)| (path, origin.clone())));
        }
        places.sort_by_key(|(_, origin)| origin.line);
        let problems = places.into_iter().map(|(path, origin)| {
            let message = format!("the value of secret `{path}` stands here in clear");
            let hint = "remove it; what stood in clear is no secret any more";
            Problem::new(code::SECRET_IN_CLEAR, message).at(Some(origin)).hint(hint)
        });
        Ok(problems.collect())
    }

    fn text(&self) -> Result<Option<String>, Problem> {
        let failed = |cause: String| {
            let problem = Problem::new(
                code::SECRETS_FILE,
                format!("failed to read `{}`", path_of(&self.environment)),
            );
            Problem { causes: vec![cause], ..problem }
        };
        match fs::read(self.directory.join(FILE)) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(failed("it is not UTF-8".into())),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

fn lines_of(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii)
}

/// All texts in a value, with their places.
fn texts(kind: &ValueKind) -> Vec<(Origin, String)> {
    let values: Vec<&Value> = match kind {
        ValueKind::Table(table) => table.0.values().map(|entry| &entry.value).collect(),
        ValueKind::Array(values) => values.iter().collect(),
        _ => Vec::new(),
    };
    let texts = values.into_iter().flat_map(|value| match (&value.kind, &value.origin) {
        (ValueKind::String(text), Some(origin)) => vec![(origin.clone(), text.clone())],
        (kind, _) => texts(kind),
    });
    texts.collect()
}

/// Where a line holds a part of a secret that is no text by chance.
fn found(line: &str, part: &[u8]) -> Option<usize> {
    let part = std::str::from_utf8(part).ok().filter(|part| part.len() >= SHORTEST_MASKED)?;
    line.find(part)
}

/// The secrets of an environment, which nobody else changes for as long as this lives.
#[derive(Debug)]
pub struct Locked {
    store: Store,
    /// The system ends the lock with the process, however that ends.
    lock: File,
}

impl Drop for Locked {
    fn drop(&mut self) {
        // A child that was forked a moment ago may hold a copy, which closing would leave locked.
        let _ = self.lock.unlock();
    }
}

/// What takes the place of a file of secrets.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) text: String,
    /// The files below `secrets` that it names and that are not there yet.
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

impl Locked {
    /// Where the secrets lie.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Replaces the file that was read as `before`.
    ///
    /// Files of single values are written first, under names that nothing refers to yet; then the
    /// file of all replaces the old one in one step, and what it no longer names is removed.
    pub(crate) fn replace(
        &self,
        before: Option<&str>,
        replacement: &Replacement,
    ) -> Result<SecretFile, Problems> {
        let one = |problem| Problems::new([problem]);
        let Store { environment, directory } = &self.store;
        if self.store.text().map_err(one)?.as_deref() != before {
            let message = format!("`{}` was changed meanwhile", path_of(environment));
            return Err(one(Problem::new(code::SECRETS_BUSY, message)
                .hint("begin anew, with the file as it is now")));
        }
        // What could not be read again must not replace what can be.
        let text = replacement.text.clone();
        let file = SecretFile::parse(environment, directory.clone(), text)?;
        self.write(replacement).map_err(|error| {
            let problem = Problem::new(
                code::SECRETS_FILE,
                format!("failed to write `{}`", path_of(environment)),
            );
            let hint = "the secrets are as they were";
            one(Problem { causes: vec![error.to_string()], ..problem }.hint(hint))
        })?;
        clear(directory, &file.files());
        Ok(file)
    }

    fn write(&self, replacement: &Replacement) -> io::Result<()> {
        let directory = &self.store.directory;
        if !replacement.files.is_empty() {
            let folder = directory.join(FOLDER);
            if !folder.is_dir() {
                fs::create_dir(&folder)?;
                sync(directory)?;
            }
            for (name, content) in &replacement.files {
                write_whole(&folder, name, content)?;
            }
        }
        // A link stays: the file that it leads to is replaced.
        let target = directory.join(FILE);
        let target = fs::canonicalize(&target).unwrap_or(target);
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(io::Error::other("its place has no name"));
        };
        write_whole(folder, name, replacement.text.as_bytes())
    }
}

/// Writes a file that appears whole under its name, readable as other files of a repository are.
fn write_whole(folder: &Path, name: impl AsRef<Path>, content: &[u8]) -> io::Result<()> {
    let target = folder.join(name);
    let mode = fs::metadata(&target).map_or(0o644, |metadata| metadata.permissions().mode());
    let mut file: NamedTempFile = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode & 0o777))?;
    file.as_file().sync_all()?;
    file.persist(target)?;
    sync(folder)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes what runs that were killed left behind, and files that nothing names any more.
///
/// What cannot be removed now is removed by the next change; none of it is in clear.
fn clear(directory: &Path, named: &BTreeSet<&str>) {
    let folder = directory.join(FOLDER);
    for place in [directory, folder.as_path()] {
        // What a link leads to belongs to somebody else, such as another environment.
        if place == folder && folder.is_symlink() {
            continue;
        }
        let Ok(entries) = fs::read_dir(place) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let unused = place == folder && is_own(name) && !named.contains(name);
            if unused || name.starts_with(TEMPORARY) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
    // Only an empty folder goes.
    let _ = fs::remove_dir(folder);
}

/// The name of the file for a value: path and digest, so that another value has another name.
pub(crate) fn name_of(path: &SecretPath, ciphertext: &[u8]) -> String {
    let digest = Digest::of(ciphertext).to_string();
    format!("{}-{}{SUFFIX}", path.file_stem(), &digest[..DIGITS])
}

const DIGITS: usize = 16;

/// Whether a file is named as [`name_of`] does.
fn is_own(name: &str) -> bool {
    let digest = name.strip_suffix(SUFFIX).and_then(|stem| stem.rsplit_once('-'));
    digest.is_some_and(|(_, digits)| {
        digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Reads the file that holds one value.
pub(crate) fn read_whole(directory: &Path, name: &str) -> Result<Vec<u8>, String> {
    if name.contains('/') || name.starts_with('.') {
        return Err(format!("`{name}` is no file below `{FOLDER}`"));
    }
    let file = directory.join(FOLDER).join(name);
    let limit = LARGEST as u64 * 3 / 2 + OVERHEAD;
    let mut content = Vec::new();
    let mut read = || {
        // A pipe or a device, to which a link may lead, would be waited for.
        if !fs::metadata(&file)?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        File::open(&file)?.take(limit + 1).read_to_end(&mut content)
    };
    read().map_err(|error| format!("cannot read `{FOLDER}/{name}`: {error}"))?;
    if content.len() as u64 > limit {
        return Err(format!("`{FOLDER}/{name}` is larger than any secret"));
    }
    Ok(content)
}
