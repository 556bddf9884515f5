//! What changes the secrets: values, members, the key.

use age::x25519;
use togusa_core::problem::{Problem, Problems, code};

use super::document::SecretFile;
use super::environment_key::EnvironmentKey;
use super::identities::Identities;
use super::members::{Members, check_name};
use super::path::SecretPath;
use super::rewrite::Rewrite;
use super::seal::{self, Place};
use super::store::Locked;

impl Locked {
    /// Sets a value. Neither a private key nor another value is needed for it.
    ///
    /// # Errors
    /// The environment has no secrets yet, the path is taken otherwise, the value is larger than
    /// [`LARGEST`](super::LARGEST), or the file cannot be written.
    pub fn set(&self, path: &SecretPath, value: &[u8]) -> Result<SecretFile, Problems> {
        self.set_all([(path, value)])
    }

    /// Sets several values at once.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_all<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a SecretPath, &'a [u8])>,
    ) -> Result<SecretFile, Problems> {
        let file = self.store().require()?;
        let mut rewrite = Rewrite::new(&file.text).map_err(one)?;
        let recipient = recipient(&file).map_err(one)?;
        for (path, value) in values {
            let place = Place { environment: &file.environment, path };
            let ciphertext = seal::seal(&recipient, place, value).map_err(one)?;
            rewrite.set(path, ciphertext).map_err(one)?;
        }
        self.replace(Some(&file.text), &rewrite.finish())
    }

    /// Removes a value.
    ///
    /// # Errors
    /// There is none, or the file cannot be written.
    pub fn unset(&self, path: &SecretPath) -> Result<SecretFile, Problems> {
        let file = self.store().require()?;
        file.sealed(path).map_err(one)?;
        let mut rewrite = Rewrite::new(&file.text).map_err(one)?;
        rewrite.unset(path);
        self.replace(Some(&file.text), &rewrite.finish())
    }

    /// Lets somebody decrypt, by public keys; the first one begins the file with a new key.
    ///
    /// # Errors
    /// The name is taken or is none, no identity is a member's, or the file cannot be written.
    pub fn add_member(
        &self,
        name: &str,
        keys: Vec<String>,
        identities: &Identities,
    ) -> Result<SecretFile, Problems> {
        check_name(name).map_err(one)?;
        let file = self.store().read()?;
        let mut members = Members::default();
        let key = match &file {
            None => EnvironmentKey::generate(),
            Some(file) => {
                members.clone_from(file.members());
                if members.0.contains_key(name) {
                    return Err(one(Problem::new(
                        code::ALREADY_MEMBER,
                        format!("`{name}` is a member already"),
                    )
                    .hint(
                        "to give somebody other keys, remove and add the member, or add the keys \
                         under another name",
                    )));
                }
                if let Some(other) = keys.iter().find_map(|key| members.of_key(key)) {
                    return Err(one(Problem::new(
                        code::ALREADY_MEMBER,
                        format!("member `{other}` has this key already"),
                    )));
                }
                file.unlock(identities).map_err(one)?
            }
        };
        members.0.insert(name.to_owned(), keys);
        let before = file.map(|file| file.text);
        let mut rewrite = Rewrite::new(before.as_deref().unwrap_or_default()).map_err(one)?;
        let locked = key.locked(self.store().environment(), &members, identities).map_err(one)?;
        rewrite.set_header(&key, &locked, &members);
        self.replace(before.as_deref(), &rewrite.finish())
    }

    /// Takes the right to decrypt from somebody: everything is encrypted anew, with a new key.
    ///
    /// What the file holds after that cannot be read by the member; what it held before can.
    ///
    /// # Errors
    /// There is no such member, or none would be left; else as [`rotate`](Self::rotate).
    pub fn remove_member(
        &self,
        name: &str,
        identities: &Identities,
    ) -> Result<SecretFile, Problems> {
        let file = self.store().require()?;
        let mut members = file.members().clone();
        if members.0.remove(name).is_none() {
            let problem = Problem::new(code::NO_MEMBER, format!("`{name}` is no member"));
            return Err(one(problem.hint(format!("members are {}", file.members()))));
        }
        if members.0.is_empty() {
            let problem = Problem::new(code::LAST_MEMBER, format!("`{name}` is the last member"));
            return Err(one(problem.hint("add another first: nobody could decrypt any more")));
        }
        self.renew(&file, &members, identities)
    }

    /// Makes a new key and encrypts everything anew.
    ///
    /// # Errors
    /// No identity is a member's, a value cannot be decrypted, or the file cannot be written.
    pub fn rotate(&self, identities: &Identities) -> Result<SecretFile, Problems> {
        let file = self.store().require()?;
        self.renew(&file, file.members(), identities)
    }

    fn renew(
        &self,
        file: &SecretFile,
        members: &Members,
        identities: &Identities,
    ) -> Result<SecretFile, Problems> {
        let old = file.unlock(identities).map_err(one)?;
        let new = EnvironmentKey::generate();
        let recipient = new.identity.to_public();
        let locked = new.locked(&file.environment, members, identities).map_err(one)?;
        let mut rewrite = Rewrite::new(&file.text).map_err(one)?;
        rewrite.set_header(&new, &locked, members);
        // All that cannot be decrypted is told at once.
        for (path, value) in file.open_all(&old)? {
            let place = Place { environment: &file.environment, path: &path };
            let ciphertext = seal::seal(&recipient, place, &value).map_err(one)?;
            rewrite.set(&path, ciphertext).map_err(one)?;
        }
        self.replace(Some(&file.text), &rewrite.finish())
    }
}

/// To whom values are encrypted.
pub(crate) fn recipient(file: &SecretFile) -> Result<x25519::Recipient, Problem> {
    file.public_key().parse().map_err(|error| {
        Problem::new(
            code::KEY_TABLE,
            format!("key `encryption.public_key` is no public key of age: {error}"),
        )
    })
}

pub(crate) fn one(problem: Problem) -> Problems {
    Problems::new([problem])
}
