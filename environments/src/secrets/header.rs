//! The table `[encryption]`: the environment's key and who may use it.

use togusa_core::attributes::Reader;
use togusa_core::problem::{Problem, code};
use togusa_core::value::{Origin, Table, Value, ValueKind};

use super::members::Members;

/// The name of the table.
pub(crate) const NAME: &str = "encryption";

const KEYS: &[&str] = &["public_key", "private_key", "members"];

/// What stands in the table.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// The public half of the environment's key.
    pub(crate) public_key: String,
    /// Where the public half stands.
    pub(crate) public_key_at: Option<Origin>,
    /// The private half, encrypted to all members, armored.
    pub(crate) private_key: String,
    pub(crate) members: Members,
}

impl Header {
    /// Reads the table; every mistake in it is reported.
    pub(crate) fn read(document: &Table, problems: &mut Vec<Problem>) -> Option<Self> {
        let Some(value) = document.get(NAME) else {
            problems.push(missing_table());
            return None;
        };
        let before = problems.len();
        let mut reader = Reader::new(document, None).calling_names("key");
        let header = reader.part(NAME, |reader| {
            reader.nested(value, |reader| {
                let public_key = reader.required::<String>("public_key");
                let private_key = reader.required::<String>("private_key");
                let members = reader.required::<Value>("members");
                reader.no_others(KEYS);
                Some((public_key?, private_key?, members?))
            })
        });
        problems.extend(reader.finish());
        let (public_key, private_key, members) = header?;
        let public_key_at = match &value.kind {
            ValueKind::Table(table) => {
                table.get("public_key").and_then(|value| value.origin.clone())
            }
            _ => None,
        };
        if public_key.parse::<age::x25519::Recipient>().is_err() {
            let message = "key `encryption.public_key` is no public key of age";
            problems.push(
                Problem::new(code::KEY_TABLE, message).at(public_key_at.clone()).hint(RESTORE),
            );
        }
        let members = Members::read(&members, problems);
        (problems.len() == before).then_some(Self {
            public_key,
            public_key_at,
            private_key,
            members,
        })
    }
}

/// The public half of the environment's key in the text of a file; `None`: it has none.
pub fn public_key_in(text: &str) -> Option<String> {
    let document = text.parse::<toml_edit::DocumentMut>().ok()?;
    Some(document.get(NAME)?.get("public_key")?.as_str()?.to_owned())
}

pub(crate) const RESTORE: &str = "take the file from an earlier commit";

fn missing_table() -> Problem {
    Problem::new(
        code::KEY_TABLE,
        format!("the file has no table `[{NAME}]`, which holds the environment's key"),
    )
    .hint(RESTORE)
}
