//! What a secret can be made of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize, Zeroizing};

/// What a secret can be made of: `String` and `Vec<u8>`.
pub trait SecretContent: Clone + Send + Sync + Zeroize + sealed::Sealed + 'static {
    /// The type as users call it.
    #[doc(hidden)]
    const TYPE_NAME: &'static str;

    #[doc(hidden)]
    fn bytes(&self) -> &[u8];

    #[doc(hidden)]
    fn from_text(text: String) -> Self;

    /// `None`: it is text, and the bytes are not.
    #[doc(hidden)]
    fn from_bytes(bytes: Vec<u8>) -> Option<Self>;
}

/// A value that a secret can be made of as it stands: a text, or bytes.
pub trait IntoSecret {
    /// What the secret is made of.
    type Content: SecretContent;

    #[doc(hidden)]
    fn into_content(self) -> Self::Content;
}

macro_rules! into_secret {
    ($($type:ty => $content:ty),*) => {
        $(impl IntoSecret for $type {
            type Content = $content;

            fn into_content(self) -> $content {
                self.into()
            }
        })*
    };
}

into_secret! {
    String => String,
    &String => String,
    &str => String,
    Vec<u8> => Vec<u8>,
    &[u8] => Vec<u8>
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for String {}
    impl Sealed for Vec<u8> {}
}

impl SecretContent for String {
    const TYPE_NAME: &'static str = "secret string";

    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    fn from_text(text: String) -> Self {
        text
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        Self::from_utf8(bytes).ok()
    }
}

impl SecretContent for Vec<u8> {
    const TYPE_NAME: &'static str = "secret bytes";

    fn bytes(&self) -> &[u8] {
        self
    }

    fn from_text(text: String) -> Self {
        text.into_bytes()
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        Some(bytes)
    }
}

pub(super) fn to_base64(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(bytes))
}

pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
