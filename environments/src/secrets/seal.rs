//! One value, encrypted by itself and bound to its place.
//!
//! What is encrypted begins with a line that names environment and path, so that a ciphertext that
//! was moved elsewhere is found out:
//!
//! ```text
//! togusa-secret 1 ENVIRONMENT PATH
//! VALUE
//! ```

use std::io::{Read as _, Write as _};
use std::iter;

use age::armor::ArmoredReader;
use age::{DecryptError, Decryptor, Encryptor, x25519};
use togusa_core::problem::{Problem, code};
use zeroize::Zeroizing;

use super::Clear;
use super::LARGEST;
use super::path::SecretPath;

const MARK: &str = "togusa-secret 1";

/// How the two forms of age begin.
const AGE: &[u8] = b"age-encryption.org/";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// Where a value belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) environment: &'a str,
    pub(crate) path: &'a SecretPath,
}

/// Encrypts a value, in the binary form of age.
pub(crate) fn seal(
    recipient: &x25519::Recipient,
    place: Place<'_>,
    value: &[u8],
) -> Result<Vec<u8>, Problem> {
    let failed = |cause: String| {
        let problem =
            Problem::new(code::CANNOT_ENCRYPT, format!("failed to encrypt `{}`", place.path));
        Problem { causes: vec![cause], ..problem }
    };
    if value.len() > LARGEST {
        return Err(failed(format!("it has {} bytes, and {LARGEST} is the most", value.len())));
    }
    let encryptor = Encryptor::with_recipients(iter::once(recipient as &dyn age::Recipient))
        .map_err(|error| failed(error.to_string()))?;
    let mut sealed = Vec::with_capacity(value.len() + 512);
    let write = |sealed: &mut Vec<u8>| {
        let mut writer = encryptor.wrap_output(sealed)?;
        writeln!(writer, "{MARK} {} {}", place.environment, place.path)?;
        writer.write_all(value)?;
        writer.finish().map(|_| ())
    };
    write(&mut sealed).map_err(|error| failed(error.to_string()))?;
    Ok(sealed)
}

/// Decrypts a value, in the binary or the armored form of age.
pub(crate) fn open(
    identity: &x25519::Identity,
    place: Place<'_>,
    sealed: &[u8],
) -> Result<Clear, Problem> {
    let path = place.path;
    let mut opened = decrypt(identity, sealed).map_err(|error| {
        let problem = Problem::new(code::CANNOT_DECRYPT, format!("failed to decrypt `{path}`"));
        let cause = match error {
            DecryptError::NoMatchingKeys => "it is encrypted to another key".to_owned(),
            DecryptError::Io(error) => format!("it is cut short or was changed: {error}"),
            DecryptError::InvalidHeader | DecryptError::UnknownFormat => {
                "it is not what age writes".to_owned()
            }
            _ => "it was changed after it had been encrypted".to_owned(),
        };
        Problem { causes: vec![cause], ..problem }.hint(format!(
            "take it from an earlier commit, or give it anew: `secrets set {} {path}`",
            place.environment
        ))
    })?;
    let end = opened.iter().position(|byte| *byte == b'\n');
    let (environment, bound) = end.and_then(|end| belongs(&opened[..end])).ok_or_else(|| {
        Problem::new(code::SECRET_MOVED, format!("`{path}` does not say what it is the value of"))
            .hint(format!(
                "`secrets set {} {path}` encrypts a value so that it does",
                place.environment
            ))
    })?;
    if environment != place.environment {
        return Err(Problem::new(
            code::SECRET_MOVED,
            format!("`{path}` holds the value of `{bound}` of environment `{environment}`"),
        )
        .hint(MOVED));
    }
    if bound != *path {
        return Err(Problem::new(
            code::SECRET_MOVED,
            format!("`{path}` holds the value of `{bound}`"),
        )
        .hint(MOVED));
    }
    opened.drain(..=end.unwrap_or_default());
    Ok(opened)
}

const MOVED: &str = "encrypted values cannot be moved or copied: `secrets get` and `secrets set` do \
                     that; if nobody of yours did, look at who changed the file";

fn belongs(line: &[u8]) -> Option<(String, SecretPath)> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix(MARK)?.strip_prefix(' ')?;
    let (environment, path) = rest.split_once(' ')?;
    Some((environment.to_owned(), SecretPath::read(path)?))
}

fn decrypt(identity: &x25519::Identity, sealed: &[u8]) -> Result<Clear, DecryptError> {
    if !sealed.starts_with(AGE) && !sealed.starts_with(ARMOR) {
        return Err(DecryptError::UnknownFormat);
    }
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(sealed))?;
    let mut reader = decryptor.decrypt(iter::once(identity as &dyn age::Identity))?;
    // With room for all of it: growing would leave copies of the content behind in memory.
    let mut opened = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.read_to_end(&mut opened)?;
    Ok(opened)
}
