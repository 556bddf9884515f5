//! One key that may open what is encrypted to the members.

use std::io::Read as _;
use std::iter;

use age::armor::ArmoredReader;
use age::{DecryptError, Decryptor, IdentityFile, scrypt, ssh, x25519};
use zeroize::Zeroizing;

use super::identities::Asking;
use super::members::{Members, shortened};

/// The most work that the passphrase of a file may cost, as a power of two: a minute.
const MOST_WORK: u8 = 22;

/// A key, as far as it can be read without asking.
pub(crate) enum Candidate {
    Age(x25519::Identity),
    Ssh(ssh::Identity, String),
    ProtectedSsh(ssh::EncryptedKey, String),
    Plugin(Zeroizing<String>),
    /// A file of age keys that is encrypted with a passphrase.
    Protected(Zeroizing<Vec<u8>>),
}

/// The keys in a file's content.
pub(crate) fn candidates(content: &[u8], label: &str) -> Result<Vec<Candidate>, String> {
    let none = || "it is neither an SSH key nor a file of age keys".to_owned();
    if content.starts_with(b"age-encryption.org/")
        || content.trim_ascii_start().starts_with(b"-----BEGIN AGE ENCRYPTED FILE")
    {
        return Ok(vec![Candidate::Protected(Zeroizing::new(content.to_vec()))]);
    }
    let text = std::str::from_utf8(content).map_err(|_| none())?;
    if text.trim_start().starts_with("-----BEGIN ") {
        return ssh_key(text, label).map(|key| vec![key]);
    }
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Ok(key) = line.parse() {
            found.push(Candidate::Age(key));
        } else if line.parse::<age::plugin::Identity>().is_ok() {
            found.push(Candidate::Plugin(Zeroizing::new(line.to_owned())));
        } else {
            return Err(none());
        }
    }
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

fn ssh_key(text: &str, label: &str) -> Result<Candidate, String> {
    let key = ssh::Identity::from_buffer(text.trim().as_bytes(), Some(label.to_owned()))
        .map_err(|_| "it is no SSH key that can be read".to_owned())?;
    let public = ssh::Recipient::try_from(key.clone()).map(|key| key.to_string());
    match (key, public) {
        (key @ ssh::Identity::Unencrypted(_), Ok(public)) => Ok(Candidate::Ssh(key, public)),
        (ssh::Identity::Encrypted(key), Ok(public)) => Ok(Candidate::ProtectedSsh(key, public)),
        (ssh::Identity::Unsupported(ssh::UnsupportedKey::EncryptedPem), _) => {
            Err("its old format is not supported; `ssh-keygen -p -f FILE` writes it anew".into())
        }
        _ => Err("SSH keys of its type cannot decrypt; `ssh-ed25519` and `ssh-rsa` can".into()),
    }
}

impl Candidate {
    /// How much it asks of whom: nothing, a passphrase that is needed, one that may be in vain, or
    /// whatever a plugin wants.
    pub(crate) fn asks(&self) -> u8 {
        match self {
            Self::Age(_) | Self::Ssh(..) => 0,
            Self::ProtectedSsh(..) => 1,
            Self::Protected(_) => 2,
            Self::Plugin(_) => 3,
        }
    }

    /// The public half, where it is known, as an addition to the key's name.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Age(key) => format!(" ({})", shortened(&key.to_public().to_string())),
            Self::Ssh(_, public) | Self::ProtectedSsh(_, public) => {
                format!(" ({})", shortened(public))
            }
            Self::Plugin(_) | Self::Protected(_) => String::new(),
        }
    }

    /// Decrypts what is encrypted to the members, or says why not.
    pub(crate) fn decrypt(
        &self,
        armored: &str,
        members: &Members,
        asking: &Asking,
    ) -> Result<Zeroizing<String>, String> {
        match self {
            Self::Age(key) => read(armored, key),
            Self::Ssh(key, _) => read(armored, key),
            Self::ProtectedSsh(key, public) => {
                if members.of_key(public).is_none() {
                    return Err(NO_MEMBER.into());
                }
                let passphrase = asking.passphrase();
                let key = passphrase.and_then(|passphrase| key.decrypt(passphrase).ok());
                let key = key.ok_or_else(|| asking.wrong_passphrase().to_owned())?;
                read(armored, &ssh::Identity::from(key))
            }
            Self::Protected(file) => {
                let content = opened(file, asking)?;
                let mut reason = NO_MEMBER.to_owned();
                for key in candidates(&content, "")? {
                    match key.decrypt(armored, members, asking) {
                        Ok(text) => return Ok(text),
                        Err(error) => reason = error,
                    }
                }
                Err(reason)
            }
            Self::Plugin(line) => {
                let file = IdentityFile::from_buffer(line.as_bytes())
                    .map_err(|error| error.to_string())?;
                let keys = file.with_callbacks(asking.clone()).into_identities();
                let keys = keys.map_err(|error| of_plugin(&error))?;
                let Some(key) = keys.first() else { return Err(NO_MEMBER.into()) };
                read(armored, &**key)
            }
        }
    }
}

const NO_MEMBER: &str = "no key of a member";

fn read(armored: &str, key: &dyn age::Identity) -> Result<Zeroizing<String>, String> {
    let reason = |error| match error {
        DecryptError::NoMatchingKeys => NO_MEMBER.to_owned(),
        DecryptError::InvalidHeader | DecryptError::UnknownFormat | DecryptError::Io(_) => {
            "`encryption.private_key` is not what age writes".to_owned()
        }
        DecryptError::DecryptionFailed | DecryptError::InvalidMac => {
            "`encryption.private_key` was changed after it had been encrypted".to_owned()
        }
        error => of_plugin(&error),
    };
    let decryptor =
        Decryptor::new_buffered(ArmoredReader::new(armored.as_bytes())).map_err(reason)?;
    let mut reader = decryptor.decrypt(iter::once(key)).map_err(reason)?;
    let mut text = Zeroizing::new(String::with_capacity(armored.len()));
    reader.read_to_string(&mut text).map_err(|error| reason(DecryptError::Io(error)))?;
    Ok(text)
}

fn of_plugin(error: &DecryptError) -> String {
    let text = error.to_string().replace(['\u{2068}', '\u{2069}'], "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The content of a file that is encrypted with a passphrase.
fn opened(file: &[u8], asking: &Asking) -> Result<Zeroizing<Vec<u8>>, String> {
    let unreadable = |error: DecryptError| match error {
        DecryptError::ExcessiveWork { .. } => {
            "its passphrase costs more work than a minute".to_owned()
        }
        DecryptError::DecryptionFailed => asking.wrong_passphrase().to_owned(),
        _ => "it is no file that age encrypted with a passphrase".to_owned(),
    };
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(file)).map_err(unreadable)?;
    if !decryptor.is_scrypt() {
        return Err("it is encrypted to keys, and only one with a passphrase is a key".into());
    }
    let passphrase = asking.passphrase().ok_or_else(|| asking.wrong_passphrase().to_owned())?;
    let mut key = scrypt::Identity::new(passphrase);
    key.set_max_work_factor(MOST_WORK);
    let mut reader =
        decryptor.decrypt(iter::once(&key as &dyn age::Identity)).map_err(unreadable)?;
    let mut content = Zeroizing::new(Vec::with_capacity(file.len()));
    reader.read_to_end(&mut content).map_err(|error| unreadable(DecryptError::Io(error)))?;
    Ok(content)
}
