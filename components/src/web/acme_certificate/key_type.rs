//! Kinds of keys.

/// What kind of key a certificate has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyType {
    /// An elliptic curve of 256 bits, which all clients of today know.
    #[default]
    P256,
    /// An elliptic curve of 384 bits.
    P384,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 4096 bits.
    Rsa4096,
}

impl KeyType {
    const ALL: [Self; 4] = [Self::P256, Self::P384, Self::Rsa2048, Self::Rsa4096];

    /// The kind of a public key in PEM.
    pub(super) fn of(public_key: &str) -> Option<Self> {
        let body: String = public_key.lines().filter(|line| !line.starts_with("-----")).collect();
        Self::ALL.into_iter().find(|kind| body.starts_with(kind.header()))
    }

    /// What the public key begins with: kind and length come first, and need no decoding.
    fn header(self) -> &'static str {
        match self {
            Self::P256 => "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
            Self::P384 => "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE",
            Self::Rsa2048 => "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
            Self::Rsa4096 => "MIICIjANBgkqhkiG9w0BAQEFAAOCAg8A",
        }
    }

    /// As it is shown.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Rsa2048 => "RSA 2048",
            Self::Rsa4096 => "RSA 4096",
        }
    }

    pub(super) fn for_certbot(self) -> [&'static str; 4] {
        match self {
            Self::P256 => ["--key-type", "ecdsa", "--elliptic-curve", "secp256r1"],
            Self::P384 => ["--key-type", "ecdsa", "--elliptic-curve", "secp384r1"],
            Self::Rsa2048 => ["--key-type", "rsa", "--rsa-key-size", "2048"],
            Self::Rsa4096 => ["--key-type", "rsa", "--rsa-key-size", "4096"],
        }
    }

    pub(super) fn for_lego(self) -> [&'static str; 2] {
        let name = match self {
            Self::P256 => "ec256",
            Self::P384 => "ec384",
            Self::Rsa2048 => "rsa2048",
            Self::Rsa4096 => "rsa4096",
        };
        ["--key-type", name]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_from_each_other() {
        for kind in KeyType::ALL {
            let (one, two) = kind.header().split_at(20);
            let pem =
                format!("-----BEGIN PUBLIC KEY-----\n{one}\n{two}Ab\n-----END PUBLIC KEY-----\n");
            assert_eq!(KeyType::of(&pem), Some(kind));
        }
        // Ed25519.
        assert_eq!(KeyType::of("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n"), None);
        assert_eq!(KeyType::of(""), None);
    }
}
