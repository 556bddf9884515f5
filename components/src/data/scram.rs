//! Passwords as PostgreSQL stores them: SCRAM-SHA-256 verifiers, of RFC 5803.
//!
//! A verifier shows whether a password is the one that it was made of, and does in the place of the
//! password where one is set, so that the password itself reaches neither the server nor its log.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

const PREFIX: &str = "SCRAM-SHA-256$";

/// What PostgreSQL itself takes.
const ITERATIONS: u32 = 4096;
const SALT_BYTES: usize = 16;

/// A verifier, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: [u8; 32],
    server_key: [u8; 32],
}

impl Verifier {
    /// The verifier of a password, with a salt of its own.
    pub(super) fn new(password: &str) -> Result<Self> {
        let mut salt = vec![0; SALT_BYTES];
        getrandom::fill(&mut salt)
            .map_err(|error| fault!(code::THIS_MACHINE, "cannot draw a salt: {error}"))?;
        Ok(Self::salted(password, salt, ITERATIONS))
    }

    fn salted(password: &str, salt: Vec<u8>, iterations: u32) -> Self {
        let password = prepared(password);
        let mut salted = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, iterations, &mut salted);
        let stored_key = Sha256::digest(keyed(&salted, b"Client Key")).into();
        let server_key = keyed(&salted, b"Server Key");
        Self { iterations, salt, stored_key, server_key }
    }

    /// Reads what `pg_authid` holds; `None` if it is something else, such as an MD5 hash.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (parameters, keys) = text.strip_prefix(PREFIX)?.split_once('$')?;
        let (iterations, salt) = parameters.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        let key = |text: &str| STANDARD.decode(text).ok()?.try_into().ok();
        Some(Self {
            iterations: iterations.parse().ok().filter(|iterations| *iterations > 0)?,
            salt: STANDARD.decode(salt).ok()?,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        })
    }

    /// Whether it was made of the password.
    pub(super) fn is_of(&self, password: &str) -> bool {
        Self::salted(password, self.salt.clone(), self.iterations) == *self
    }

    /// The text that the server stores.
    pub(super) fn to_text(&self) -> String {
        let [salt, stored_key, server_key] =
            [&self.salt[..], &self.stored_key, &self.server_key].map(|part| STANDARD.encode(part));
        format!("{PREFIX}{}:{salt}${stored_key}:{server_key}", self.iterations)
    }
}

fn keyed(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut hasher = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(hasher) => hasher,
        Err(error) => unreachable!("a key may have any length: {error}"),
    };
    hasher.update(text);
    hasher.finalize().into_bytes().into()
}

/// The password as both sides of a login take it; what has no such form is taken as it is, as
/// PostgreSQL does.
fn prepared(password: &str) -> Cow<'_, str> {
    stringprep::saslprep(password).unwrap_or(Cow::Borrowed(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ALTER ROLE r PASSWORD '…'; SELECT rolpassword FROM pg_authid` of PostgreSQL 15.
    const RECORDED: [(&str, &str); 4] = [
        (
            "tr0ub4dor & \"3\"",
            "SCRAM-SHA-256$4096:MaCK0EasUCUiw80ygo76DQ==$E1HIOzJRwvuci0IZIR9JbMJIn39z7P1GUTpPoab+u3Y=\
             :joLeJhDLosEeECPmWyzZjWjdgh6gmb+aPNTf/NWI+Mw=",
        ),
        (
            "größe Ⅸ x",
            "SCRAM-SHA-256$4096:U1IAeT2vHryEZ5Epea9zzQ==$bXnSkVJLDTffTJWKmKbzn7wvdp+mNGzyf8iJaSShDw0=\
             :WX9P5k1D15TvXEHsSXY9KSoIvTydD2aiEj5fe+7ZQuI=",
        ),
        (
            "tab\tq",
            "SCRAM-SHA-256$4096:WgVnhQdcaJW3+1RgiHvBkg==$WfiES08TQLhb6qqHbckTCBXI2Opju5VVOYT6l7dls58=\
             :koWnYFBXi5fJ/cePEB3jRWeD5553frrBl+C36xVh5UI=",
        ),
        (
            "\u{ad}soft ª",
            "SCRAM-SHA-256$4096:7Xzq0KUtth7kbYLaoYqbrA==$02r4XrEdP43JNdnSNa1lGyQIPNw8gVpe2jgUIDy6gtI=\
             :F8Vv4LxsNa1em5ikhhvwqVb9Cv5G+cBYH2u6xJ3jnfk=",
        ),
    ];

    #[test]
    fn it_is_the_example_of_the_standard() {
        // RFC 7677: user `user`, password `pencil`. The keys follow from its salt and count.
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = Verifier::salted("pencil", salt, 4096);
        let auth = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
                    r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                    s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
                    c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = STANDARD.encode(keyed(&verifier.server_key, auth.as_bytes()));
        assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn it_is_what_the_server_makes_of_the_password() {
        for (password, stored) in RECORDED {
            let verifier = Verifier::parse(stored).unwrap();
            assert!(verifier.is_of(password), "{password}");
            assert!(!verifier.is_of(&format!("{password} ")), "{password}");
            assert_eq!(verifier.to_text(), stored);
        }
    }

    #[test]
    fn a_new_verifier_has_a_salt_of_its_own_and_survives_being_stored() {
        let [one, other] = [0, 1].map(|_| Verifier::new("pencil").unwrap());
        assert_ne!(one.to_text(), other.to_text());
        let read = Verifier::parse(&one.to_text()).unwrap();
        assert!(read.is_of("pencil") && !read.is_of("Pencil") && !read.is_of(""));
    }

    #[test]
    fn what_is_no_verifier_is_not_taken_for_one() {
        let good = Verifier::new("x").unwrap().to_text();
        for (from, to) in
            [("SCRAM", "scram"), ("4096", "0"), ("4096", "many"), ("$", ":"), ("=", "")]
        {
            assert!(Verifier::parse(&good.replace(from, to)).is_none(), "{from} → {to}");
        }
        assert!(Verifier::parse("md5a3556571e93b0d20722ba62be61e8c2d").is_none());
        assert!(Verifier::parse("").is_none());
    }
}
