//! The keys that somebody has, and how they are asked for passphrases.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use age::secrecy::SecretString;
use zeroize::Zeroizing;

use super::candidate::candidates;
use super::members::Members;

/// Asks who uses the program, for keys that want a passphrase and for plugins.
pub trait Prompt: Send + Sync {
    /// Asks for a passphrase without showing it; `None`: nobody can be asked, or nothing was said.
    fn passphrase(&self, question: &str) -> Option<Zeroizing<String>>;

    /// Asks for a text that may be seen; `None`: nobody can be asked.
    fn text(&self, question: &str) -> Option<String>;

    /// Asks for one of two answers; `None`: nobody can be asked.
    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool>;

    /// Tells something, such as that a hardware key waits to be touched.
    fn tell(&self, message: &str);
}

/// The keys to try, in the order in which they were added; read once, when they are needed.
#[derive(Clone)]
pub struct Identities {
    sources: Vec<Source>,
    /// What was read: a pipe gives it only once.
    contents: Arc<Mutex<BTreeMap<PathBuf, Zeroizing<Vec<u8>>>>>,
    prompt: Arc<dyn Prompt>,
    passphrases: Arc<Mutex<BTreeMap<String, Zeroizing<String>>>>,
}

#[derive(Clone)]
struct Source {
    label: String,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Text(Arc<Zeroizing<String>>),
    File(PathBuf),
}

impl Identities {
    /// No key yet.
    pub fn new(prompt: Arc<dyn Prompt>) -> Self {
        let (contents, passphrases) = (Arc::default(), Arc::default());
        Self { sources: Vec::new(), contents, prompt, passphrases }
    }

    /// Adds a file: an SSH key, keys of age one a line, or such a file encrypted with a passphrase.
    #[must_use]
    pub fn with_file(mut self, label: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        self.sources.push(Source { label: label.into(), place: Place::File(file.into()) });
        self
    }

    /// Adds the content of such a file.
    #[must_use]
    pub fn with_text(mut self, label: impl Into<String>, text: Zeroizing<String>) -> Self {
        let place = Place::Text(Arc::new(text));
        self.sources.push(Source { label: label.into(), place });
        self
    }

    /// Decrypts what is encrypted to members with the first key that can.
    ///
    /// A passphrase is asked for only where the key can be one of a member's, and once for all
    /// that is decrypted with it. Tells also which key it was.
    ///
    /// # Errors
    /// No key can: a line for each that was tried, with the reason.
    pub(crate) fn decrypt(
        &self,
        armored: &str,
        members: &Members,
    ) -> Result<(Zeroizing<String>, String), Vec<String>> {
        let mut tried = Vec::new();
        let mut found = Vec::new();
        for source in &self.sources {
            match self.read(source).and_then(|content| candidates(&content, &source.label)) {
                Ok(read) => found.extend(read.into_iter().map(|candidate| (source, candidate))),
                Err(reason) => tried.push(format!("{}: {reason}", source.label)),
            }
        }
        // What asks nobody goes first.
        found.sort_by_key(|(_, candidate)| candidate.asks());
        for (source, candidate) in found {
            match candidate.decrypt(armored, members, &self.asking(&source.label)) {
                Ok(opened) => return Ok((opened, source.label.clone())),
                Err(reason) => {
                    let public = candidate.shown();
                    tried.push(format!("{}{public}: {reason}", source.label));
                }
            }
        }
        Err(tried)
    }

    fn read(&self, source: &Source) -> Result<Zeroizing<Vec<u8>>, String> {
        let file = match &source.place {
            Place::Text(text) => return Ok(Zeroizing::new(text.as_bytes().to_vec())),
            Place::File(file) => file,
        };
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = contents.get(file) {
            return Ok(content.clone());
        }
        let content = read(file)?;
        contents.insert(file.clone(), content.clone());
        Ok(content)
    }

    /// How somebody is asked on behalf of a key.
    pub(crate) fn asking(&self, label: &str) -> Asking {
        Asking {
            label: label.to_owned(),
            prompt: Arc::clone(&self.prompt),
            passphrases: Arc::clone(&self.passphrases),
            unanswered: Arc::default(),
        }
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|source| &source.label)).finish()
    }
}

/// The largest file of keys that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let read = || {
        let size = std::fs::metadata(file)?.len();
        if size > LARGEST_FILE {
            return Err(std::io::Error::other("it is too large for a key"));
        }
        std::fs::read(file)
    };
    read().map(Zeroizing::new).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    })
}

/// How age asks on behalf of one key.
#[derive(Clone)]
pub(crate) struct Asking {
    label: String,
    prompt: Arc<dyn Prompt>,
    passphrases: Arc<Mutex<BTreeMap<String, Zeroizing<String>>>>,
    unanswered: Arc<AtomicBool>,
}

impl Asking {
    /// The passphrase of the key, asked for once; `None`: nobody can be asked.
    pub(crate) fn passphrase(&self) -> Option<SecretString> {
        let mut known = self.known();
        if let Some(passphrase) = known.get(&self.label) {
            return Some(SecretString::from(passphrase.as_str()));
        }
        let Some(given) = self.prompt.passphrase(&format!("passphrase of {}", self.label)) else {
            self.unanswered.store(true, Ordering::SeqCst);
            return None;
        };
        let passphrase = SecretString::from(given.as_str());
        known.insert(self.label.clone(), given);
        Some(passphrase)
    }

    /// Forgets a passphrase that was wrong; says why the key did not open.
    pub(crate) fn wrong_passphrase(&self) -> &'static str {
        self.known().remove(&self.label);
        if self.unanswered.load(Ordering::SeqCst) {
            "it wants a passphrase, and nobody could be asked for it"
        } else {
            "wrong passphrase"
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Zeroizing<String>>> {
        self.passphrases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a plugin says, without the marks that keep names apart on a terminal.
fn plain(text: &str) -> String {
    text.replace(['\u{2068}', '\u{2069}'], "")
}

impl age::Callbacks for Asking {
    fn display_message(&self, message: &str) {
        self.prompt.tell(&plain(message));
    }

    fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        self.prompt.confirm(&plain(message), yes, no)
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.prompt.text(&plain(description))
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        let given = self.prompt.passphrase(&plain(description))?;
        Some(SecretString::from(given.as_str()))
    }
}
