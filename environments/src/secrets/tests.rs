//! What the tests of secrets share: a project with an environment, members, somebody to ask.

mod editing;
mod interop;
mod keys;
mod loading;
mod members;
mod values;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use age::secrecy::ExposeSecret as _;
use age::x25519;
use tempfile::TempDir;
use togusa_core::problem::Problems;
use zeroize::Zeroizing;

use super::{Identities, Locked, Prompt, SecretFile, SecretPath, Store};

/// Answers each question with the next of some passphrases, and remembers the questions.
#[derive(Default)]
struct Answers {
    passphrases: Mutex<Vec<&'static str>>,
    asked: Mutex<Vec<String>>,
}

impl Prompt for Answers {
    fn passphrase(&self, question: &str) -> Option<Zeroizing<String>> {
        self.asked.lock().unwrap().push(question.to_owned());
        let mut left = self.passphrases.lock().unwrap();
        (!left.is_empty()).then(|| Zeroizing::new(left.remove(0).to_owned()))
    }

    fn text(&self, question: &str) -> Option<String> {
        panic!("asked `{question}`")
    }

    fn confirm(&self, question: &str, _: &str, _: Option<&str>) -> Option<bool> {
        panic!("asked `{question}`")
    }

    fn tell(&self, message: &str) {
        self.asked.lock().unwrap().push(message.to_owned());
    }
}

fn answers(passphrases: &[&'static str]) -> Arc<Answers> {
    Arc::new(Answers { passphrases: Mutex::new(passphrases.to_vec()), ..Answers::default() })
}

/// Nobody's key.
fn nobody() -> Identities {
    Identities::new(answers(&[]))
}

fn with_key(key: &x25519::Identity) -> Identities {
    nobody().with_text("the test's key", Zeroizing::new(key.to_string().expose_secret().into()))
}

/// A project whose environment `prod` has one member, `alice`.
struct Place {
    project: TempDir,
    alice: x25519::Identity,
}

impl Place {
    fn new() -> Self {
        let place =
            Self { project: tempfile::tempdir().unwrap(), alice: x25519::Identity::generate() };
        place.environment("prod", "[hosts.web1]\ncomponents = ['app']\n");
        place.begin("prod");
        place
    }

    fn environment(&self, name: &str, text: &str) {
        let directory = self.directory(name);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("environment.toml"), text).unwrap();
    }

    fn begin(&self, environment: &str) {
        let key = self.alice.to_public().to_string();
        self.lock(environment).add_member("alice", vec![key], &nobody()).unwrap();
    }

    fn directory(&self, environment: &str) -> PathBuf {
        self.project.path().join("environments").join(environment)
    }

    fn store(&self, environment: &str) -> Store {
        Store::new(self.project.path(), environment).unwrap()
    }

    fn lock(&self, environment: &str) -> Locked {
        self.store(environment).lock().unwrap()
    }

    fn file(&self) -> SecretFile {
        self.store("prod").require().unwrap()
    }

    fn identities(&self) -> Identities {
        with_key(&self.alice)
    }

    fn set(&self, path: &str, value: impl AsRef<[u8]>) {
        self.lock("prod").set(&parsed(path), value.as_ref()).unwrap();
    }

    fn get(&self, path: &str) -> Result<Vec<u8>, String> {
        self.get_with(path, &self.identities())
    }

    fn get_with(&self, path: &str, identities: &Identities) -> Result<Vec<u8>, String> {
        let file = self.store("prod").require().map_err(told)?;
        let key = file.unlock(identities).map_err(|problem| problem.to_string())?;
        let value = file.get(&key, &parsed(path)).map_err(|problem| problem.to_string())?;
        Ok(value.to_vec())
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.directory("prod").join("secrets.toml")).unwrap()
    }

    fn write(&self, text: &str) {
        std::fs::write(self.directory("prod").join("secrets.toml"), text).unwrap();
    }

    /// The ciphertext of a value as it stands in the file.
    fn written(&self, name: &str) -> String {
        let text = self.text();
        let line = text.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    }
}

fn parsed(path: &str) -> SecretPath {
    SecretPath::parse(path).unwrap()
}

fn told(problems: Problems) -> String {
    problems.to_string()
}
