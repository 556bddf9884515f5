//! The secrets of a run, and the masking of every text that holds one.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::finder::Finder;
use super::{Secret, SecretContent, take_out};
use crate::digest::Digest;
use crate::environment::{Environment, Host, Root};
use crate::host::{Exec, ExecError};
use crate::value::{Table, Value, ValueKind};

/// The secrets that a process knows in a run, or that one root knows.
///
/// What a root knows, the run knows too: a text is masked by all of them before it is shown, while
/// a name of the root's own is masked by those alone that the root has on every machine.
#[derive(Default)]
pub(crate) struct KnownSecrets {
    known: Mutex<Known>,
    above: Option<Arc<KnownSecrets>>,
}

#[derive(Default)]
struct Known {
    secrets: BTreeMap<Digest, Secret<Vec<u8>>>,
    /// Made when a text is looked at, from all that is known by then.
    finder: Option<Arc<Finder>>,
}

thread_local! {
    /// Who learns the secrets that are made on this thread.
    static LEARNING: RefCell<Option<Arc<KnownSecrets>>> = const { RefCell::new(None) };
}

/// Lets every secret that is made while something runs on this thread become known.
pub(crate) fn learning<R>(known: &Arc<KnownSecrets>, run: impl FnOnce() -> R) -> R {
    struct Restore(Option<Arc<KnownSecrets>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            LEARNING.set(self.0.take());
        }
    }
    let _restore = Restore(LEARNING.replace(Some(Arc::clone(known))));
    run()
}

/// Makes a secret known to who learns on this thread, if anybody does.
pub(super) fn made<T: SecretContent>(secret: &Secret<T>) {
    LEARNING.with_borrow(|known| known.iter().for_each(|known| known.learn(secret)));
}

/// Makes the secrets of a provided value known to who learns on this thread.
pub(crate) fn received(json: &str) {
    LEARNING.with_borrow(|known| known.iter().for_each(|known| known.learn_json(json)));
}

/// Masks the secrets of the root whose component runs on this thread.
///
/// Whatever is told is masked anyway; this is for a name or a message that is cut from a longer
/// text, of which a part of a secret could be left.
pub fn masked(text: String) -> String {
    LEARNING.with_borrow(|known| match known.as_ref().map(|known| known.mask(&text)) {
        Some(Cow::Owned(masked)) => masked,
        _ => text,
    })
}

/// Refuses a command by what is known on this thread.
pub(crate) fn check_arguments(command: &Exec) -> Result<(), ExecError> {
    LEARNING.with_borrow(|known| match known {
        Some(known) => command.check_arguments(known),
        None => Ok(()),
    })
}

/// The finder of some secrets, made once for all who know the same: a root on a hundred hosts, in
/// each pass.
fn shared(secrets: Vec<Digest>, make: impl FnOnce() -> Finder) -> Arc<Finder> {
    static FINDERS: Mutex<BTreeMap<Vec<Digest>, Weak<Finder>>> = Mutex::new(BTreeMap::new());
    let mut finders = FINDERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(finder) = finders.get(&secrets).and_then(Weak::upgrade) {
        return finder;
    }
    finders.retain(|_, finder| finder.strong_count() > 0);
    let finder = Arc::new(make());
    finders.insert(secrets, Arc::downgrade(&finder));
    finder
}

impl KnownSecrets {
    /// All secrets of an environment.
    pub(crate) fn of(environment: &Environment) -> Arc<Self> {
        let known = Self::default();
        for host in environment.hosts.values() {
            known.learn_host(host);
        }
        environment.secret_files.values().for_each(|file| known.learn(file));
        Arc::new(known)
    }

    /// Those of one root: its attributes, its host's data, and what it comes to know.
    pub(crate) fn of_root(self: &Arc<Self>, host: &Host, root: &Root) -> Arc<Self> {
        let known = Self { known: Mutex::default(), above: Some(Arc::clone(self)) };
        known.learn_table(&host.data);
        known.learn_table(&root.attributes);
        Arc::new(known)
    }

    pub(crate) fn learn_host(&self, host: &Host) {
        self.learn_table(&host.data);
        host.roots.iter().for_each(|root| self.learn_table(&root.attributes));
    }

    pub(crate) fn learn_table(&self, table: &Table) {
        table.0.values().for_each(|entry| self.learn_value(&entry.value));
    }

    fn learn_value(&self, value: &Value) {
        match &value.kind {
            ValueKind::Secret(secret) => self.learn(secret),
            ValueKind::SecretBytes(secret) => self.learn(secret),
            ValueKind::Array(values) => values.iter().for_each(|value| self.learn_value(value)),
            ValueKind::Table(table) => self.learn_table(table),
            _ => {}
        }
    }

    /// Learns what is handed over in a provided value.
    pub(crate) fn learn_json(&self, json: &str) {
        let taken = take_out(json).map(|(_, secrets)| secrets);
        taken.iter().flatten().for_each(|secret| self.learn(secret));
    }

    pub(crate) fn learn<T: SecretContent>(&self, secret: &Secret<T>) {
        if let Some(above) = &self.above {
            above.learn(secret);
        }
        let digest = Digest::of(secret.bytes());
        let mut known = self.lock();
        if known.secrets.get(&digest).is_none_or(|same| same.placeholder && !secret.placeholder)
            && let Some(secret) = secret.converted()
        {
            known.secrets.insert(digest, secret);
            known.finder = None;
        }
    }

    /// Whether there is nothing to mask.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().secrets.is_empty()
    }

    /// Whether one of them only stands in for a secret that could not be read.
    pub(crate) fn has_placeholder(&self) -> bool {
        self.lock().secrets.values().any(Secret::is_placeholder)
    }

    pub(crate) fn finder(&self) -> Arc<Finder> {
        let mut known = self.lock();
        let Known { secrets, finder } = &mut *known;
        let finder = finder.get_or_insert_with(|| {
            let real = secrets.iter().filter(|(_, secret)| !secret.placeholder);
            let digests: Vec<Digest> = real.clone().map(|(digest, _)| *digest).collect();
            shared(digests, || Finder::new(real.map(|(_, secret)| secret.bytes())))
        });
        Arc::clone(finder)
    }

    /// The text with `[secret]` in the place of each secret.
    pub(crate) fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.finder().mask(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
        }
    }

    /// Masks a text in its place.
    pub(crate) fn mask_in(&self, text: &mut String) {
        if let Cow::Owned(masked) = self.mask(text) {
            *text = masked;
        }
    }

    /// Whether a content holds a secret.
    pub(crate) fn is_in(&self, content: &[u8]) -> bool {
        self.finder().is_in(content)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownSecrets({})", self.lock().secrets.len())
    }
}
