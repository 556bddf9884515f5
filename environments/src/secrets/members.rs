//! Who may decrypt: names, each with public keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use age::ssh::ParseRecipientKeyError;
use age::{plugin, ssh, tag, x25519};
use togusa_core::problem::{Problem, code};
use togusa_core::value::{Value, ValueKind};

use super::identities::Asking;

/// The members by name, each with one or more public keys, without comments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members(pub BTreeMap<String, Vec<String>>);

impl Members {
    /// Reads the table of members; every mistake in it is reported.
    pub(crate) fn read(value: &Value, problems: &mut Vec<Problem>) -> Self {
        let mut members = Self::default();
        let ValueKind::Table(table) = &value.kind else {
            let message =
                format!("key `encryption.members`: expected a table, found {}", value.type_name());
            problems.push(Problem::new(code::KEY_TABLE, message).at(value.origin.clone()));
            return members;
        };
        for (name, entry) in &table.0 {
            if let Err(problem) = check_name(name) {
                problems.push(problem.at(entry.name_origin.clone()));
            }
            let values = match &entry.value.kind {
                ValueKind::Array(values) => values.iter().collect(),
                _ => vec![&entry.value],
            };
            let mut keys = Vec::new();
            for value in values {
                let read = match &value.kind {
                    ValueKind::String(text) => public_key(text),
                    _ => Err(Problem::new(
                        code::MEMBER_KEY,
                        format!("{} is no public key", value.type_name()),
                    )),
                };
                match read {
                    Ok(key) => keys.push(key),
                    Err(problem) => problems.push(problem.at(value.origin.clone())),
                }
            }
            members.0.insert(name.clone(), keys);
        }
        if members.0.values().all(Vec::is_empty) && problems.is_empty() {
            let message = "key `encryption.members` names nobody";
            problems.push(
                Problem::new(code::KEY_TABLE, message)
                    .at(value.origin.clone())
                    .hint(super::header::RESTORE),
            );
        }
        members
    }

    /// Who has a public key.
    pub fn of_key(&self, key: &str) -> Option<&str> {
        let mut members = self.0.iter();
        members.find(|(_, keys)| keys.iter().any(|own| own == key)).map(|(name, _)| name.as_str())
    }

    /// All public keys, as those to whom age encrypts.
    pub(crate) fn recipients(
        &self,
        asking: &Asking,
    ) -> Result<Vec<Box<dyn age::Recipient + Send>>, Problem> {
        let mut recipients: Vec<Box<dyn age::Recipient + Send>> = Vec::new();
        let mut of_plugins = Vec::new();
        for key in self.0.values().flatten() {
            match PublicKey::parse(key)? {
                PublicKey::Age(key) => recipients.push(Box::new(key)),
                PublicKey::Tag(key) => recipients.push(Box::new(key)),
                PublicKey::Ssh(key) => recipients.push(Box::new(key)),
                PublicKey::Plugin(key) => of_plugins.push(key),
            }
        }
        let names: BTreeSet<String> =
            of_plugins.iter().map(|key| key.plugin().to_owned()).collect();
        for name in names {
            let plugin = plugin::RecipientPluginV1::new(&name, &of_plugins, &[], asking.clone())
                .map_err(|_| {
                    Problem::new(
                        code::PLUGIN_MISSING,
                        format!("a member's key needs the plugin `age-plugin-{name}`"),
                    )
                    .hint("install the plugin, so that it is found in PATH")
                })?;
            recipients.push(Box::new(plugin));
        }
        Ok(recipients)
    }
}

impl fmt::Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.0.iter().map(|(name, keys)| {
            let keys: Vec<_> = keys.iter().map(|key| shortened(key)).collect();
            format!("{name} ({})", keys.join(", "))
        });
        f.write_str(&members.collect::<Vec<_>>().join(", "))
    }
}

enum PublicKey {
    Age(x25519::Recipient),
    Tag(tag::Recipient),
    Ssh(ssh::Recipient),
    Plugin(plugin::Recipient),
}

impl PublicKey {
    fn parse(text: &str) -> Result<Self, Problem> {
        if text.contains("PRIVATE KEY") || text.starts_with("AGE-") {
            return Err(Problem::new(code::PRIVATE_KEY_GIVEN, "this is a private key; members are added by public keys")
                .hint("a public SSH key stands in the file that ends in `.pub`; `age-keygen -y` prints that of an age key; whoever has seen the private key should replace it"));
        }
        if let Ok(key) = text.parse() {
            return Ok(Self::Age(key));
        }
        if let Ok(key) = text.parse() {
            return Ok(Self::Tag(key));
        }
        if text.starts_with("age1pq1") || text.starts_with("age1tagpq1") {
            let problem =
                Problem::new(code::MEMBER_KEY, "post-quantum keys cannot be members beside others");
            return Err(problem.hint("give a key that begins with `age1` alone, or an SSH key"));
        }
        if let Ok(key) = text.parse() {
            return Ok(Self::Plugin(key));
        }
        let shown = shortened(text);
        Err(match text.parse() {
            Ok(key) => return Ok(Self::Ssh(key)),
            Err(ParseRecipientKeyError::Unsupported(kind)) => {
                Problem::new(code::MEMBER_KEY, format!("SSH keys of type `{kind}` cannot decrypt"))
                    .hint("give a key of type `ssh-ed25519` or `ssh-rsa`, or one of age")
            }
            Err(ParseRecipientKeyError::RsaModulusTooSmall) => Problem::new(
                code::MEMBER_KEY,
                format!("`{shown}` is too weak: RSA needs 2048 bits or more"),
            ),
            Err(ParseRecipientKeyError::RsaModulusTooLarge) => Problem::new(
                code::MEMBER_KEY,
                format!("`{shown}` is too large for what can be read"),
            ),
            Err(_) => Problem::new(code::MEMBER_KEY, format!("`{shown}` is no public key"))
                .hint("give `age1…`, `ssh-ed25519 …` or `ssh-rsa …`"),
        })
    }
}

/// Reads one public key of age, of SSH or of a plugin; without its comment.
///
/// # Errors
/// It is none, or one that cannot be encrypted to.
pub fn public_key(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    Ok(match PublicKey::parse(text)? {
        PublicKey::Age(key) => key.to_string(),
        PublicKey::Ssh(key) => key.to_string(),
        PublicKey::Plugin(key) => key.to_string(),
        PublicKey::Tag(_) => text.to_owned(),
    })
}

/// Reads a file of public keys: one a line, with empty lines and lines that begin with `#`.
///
/// # Errors
/// A line is no public key, or there is none; `file` names the file.
pub fn public_keys(file: &str, text: &str) -> Result<Vec<String>, Problem> {
    if text.contains("PRIVATE KEY-----") {
        return PublicKey::parse(text).map(|_| Vec::new());
    }
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key = public_key(line).map_err(|problem| Problem {
            message: format!("{file}:{}: {}", number + 1, problem.message),
            ..problem
        })?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return Err(Problem::new(code::MEMBER_KEY, format!("`{file}` holds no public key")));
    }
    Ok(keys)
}

/// Checks the name of a member.
///
/// # Errors
/// It is empty, or holds blanks or signs that no name has.
pub fn check_name(name: &str) -> Result<(), Problem> {
    let inside = |c: char| c.is_alphanumeric() || "_-.@+".contains(c);
    if !name.is_empty() && name.chars().all(inside) {
        return Ok(());
    }
    Err(Problem::new(code::MEMBER_NAME, format!("`{name}` is no name of a member"))
        .hint("a name holds letters, digits, `-`, `_`, `.`, `@`, `+`"))
}

/// The type of a key and its last characters, which tell two keys apart.
pub(crate) fn shortened(key: &str) -> String {
    let (kind, body) = key.split_once(' ').unwrap_or(("", key));
    let body = body.split(' ').next().unwrap_or(body);
    let space = if kind.is_empty() { "" } else { " " };
    let count = body.chars().count();
    if count <= 20 {
        return format!("{kind}{space}{body}");
    }
    let first: String =
        if kind.is_empty() { body.chars().take(8).collect() } else { String::new() };
    let last: String = body.chars().skip(count - 8).collect();
    format!("{kind}{space}{first}…{last}")
}
