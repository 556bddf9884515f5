//! The key of an environment: its private half is encrypted to every member.
//!
//! What is encrypted is a file of age keys, whose comments say what belongs to the key. So `age`
//! itself can unlock it, and nobody who cannot decrypt can put the key beside another environment,
//! another public half or another list of members:
//!
//! ```text
//! # togusa-key 1
//! # environment: prod
//! # public key: age1…
//! # member: alice ssh-ed25519 …
//! AGE-SECRET-KEY-1…
//! ```

use std::fmt::{self, Write as _};
use std::io::Write as _;

use age::armor::{ArmoredWriter, Format};
use age::secrecy::ExposeSecret as _;
use age::{Encryptor, x25519};
use togusa_core::problem::{Problem, code};
use zeroize::Zeroizing;

use super::document::SecretFile;
use super::header::RESTORE;
use super::identities::Identities;
use super::members::Members;

const MARK: &str = "# togusa-key 1";

/// An environment's key, unlocked.
pub struct EnvironmentKey {
    pub(crate) identity: x25519::Identity,
    opened_by: Option<String>,
}

impl fmt::Debug for EnvironmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnvironmentKey({})", self.public())
    }
}

impl EnvironmentKey {
    /// A new key.
    pub(crate) fn generate() -> Self {
        Self { identity: x25519::Identity::generate(), opened_by: None }
    }

    /// What the key is called that opened it; `None`: it is new.
    pub fn opened_by(&self) -> Option<&str> {
        self.opened_by.as_deref()
    }

    /// The public half.
    pub fn public(&self) -> String {
        self.identity.to_public().to_string()
    }

    /// The key, encrypted to the members, armored.
    pub(crate) fn locked(
        &self,
        environment: &str,
        members: &Members,
        identities: &Identities,
    ) -> Result<String, Problem> {
        let failed = |cause: String| {
            let problem = Problem::new(
                code::CANNOT_ENCRYPT,
                "failed to encrypt the environment's key to its members",
            );
            Problem { causes: vec![cause.replace(['\u{2068}', '\u{2069}'], "")], ..problem }
        };
        let recipients = members.recipients(&identities.asking("a member's key"))?;
        let recipients = recipients.iter().map(|key| &**key as &dyn age::Recipient);
        let encryptor =
            Encryptor::with_recipients(recipients).map_err(|error| failed(error.to_string()))?;
        let text = self.text(environment, members);
        let write = || {
            let armored = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
            let mut writer = encryptor.wrap_output(armored)?;
            writer.write_all(text.as_bytes())?;
            writer.finish()?.finish()
        };
        let armored = write().map_err(|error| failed(error.to_string()))?;
        String::from_utf8(armored).map_err(|error| failed(error.to_string()))
    }

    fn text(&self, environment: &str, members: &Members) -> Zeroizing<String> {
        // The private half is appended last, with room for it: growing would leave copies behind.
        let mut text = described(environment, &self.public(), members);
        text.reserve(128);
        let mut text = Zeroizing::new(text);
        text.push_str(self.identity.to_string().expose_secret());
        text.push('\n');
        text
    }

    /// Unlocks the key of a file.
    ///
    /// # Errors
    /// No identity is a member's, or the file says otherwise than when it was encrypted.
    pub(crate) fn unlock(file: &SecretFile, identities: &Identities) -> Result<Self, Problem> {
        let header = &file.header;
        let environment = &file.environment;
        let opened = identities.decrypt(&header.private_key, &header.members);
        let (text, opened_by) = opened.map_err(|tried| {
            let message =
                format!("cannot unlock the secrets of `{environment}`: no identity opens them");
            let mut causes = tried;
            if causes.is_empty() {
                causes.push("there was none to try".into());
            }
            causes.push(format!("members are {}", header.members));
            Problem { causes, ..Problem::new(code::NO_IDENTITY, message) }.hint(
                "put the private key of a member into TOGUSA_IDENTITY, or name its file with \
                 `--identity`; a member adds another with `secrets add`",
            )
        })?;
        let private = text.lines().filter(|line| !line.starts_with('#'));
        let private = private.map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let told: String = text
            .lines()
            .filter(|line| line.starts_with('#'))
            .flat_map(|line| [line, "\n"])
            .collect();
        let refuse = |message: String| {
            Problem::new(code::KEY_ALTERED, message).at(header.public_key_at.clone()).hint(
                "somebody changed the file by hand, or took it from elsewhere; take it from an \
                 earlier commit, and look at who changed it",
            )
        };
        let Ok(identity) = private.parse() else {
            return Err(Problem::new(
                code::KEY_ALTERED,
                format!("`encryption.private_key` of `{environment}` holds no key"),
            )
            .hint(RESTORE));
        };
        let key = Self { identity, opened_by: Some(opened_by) };
        if told == described(environment, &header.public_key, &header.members)
            && key.public() == header.public_key
        {
            return Ok(key);
        }
        Err(refuse(difference(&told, file, &key.public())))
    }
}

/// What belongs to a key.
fn described(environment: &str, public: &str, members: &Members) -> String {
    let mut text = format!("{MARK}\n# environment: {environment}\n# public key: {public}\n");
    for (name, keys) in &members.0 {
        for key in keys {
            let _ = writeln!(text, "# member: {name} {key}");
        }
    }
    text
}

/// Says what the file changed of that which is encrypted.
fn difference(told: &str, file: &SecretFile, public: &str) -> String {
    let header = &file.header;
    let line = |start: &str| told.lines().find_map(|line| line.strip_prefix(start));
    let environment = line("# environment: ").unwrap_or_default();
    if environment != file.environment {
        return format!(
            "the environment's key is of environment `{environment}`, not of `{}`",
            file.environment
        );
    }
    if public != header.public_key {
        return format!("`encryption.public_key` is not the one of this environment, `{public}`");
    }
    let encrypted: Vec<_> =
        told.lines().filter_map(|line| line.strip_prefix("# member: ")).collect();
    let listed = described("", "", &header.members);
    let listed: Vec<_> =
        listed.lines().filter_map(|line| line.strip_prefix("# member: ")).collect();
    let name = |member: &str| member.split(' ').next().unwrap_or_default().to_owned();
    if let Some(added) = listed.iter().find(|member| !encrypted.contains(member)) {
        return format!(
            "`{}` stands in `encryption.members` without having been added",
            name(added)
        );
    }
    if let Some(gone) = encrypted.iter().find(|member| !listed.contains(member)) {
        return format!("`{}` is missing from `encryption.members`, but can decrypt", name(gone));
    }
    "`encryption` is not what was encrypted with the environment's key".to_owned()
}
