//! Where the content of a file comes from.

use std::borrow::Cow;
use std::fmt;

use togusa_core::assets::{AssetError, AssetKind};
use togusa_core::fault;
#[cfg(any(feature = "containers", feature = "edits", feature = "sources"))]
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::preview::Preview;
use togusa_core::problem::code;
use togusa_core::secret::MASK;
use togusa_core::template;

use crate::content::Content;

/// Content that stands in the code; made of a text, or of a secret.
#[derive(Clone)]
pub struct Text(Stored);

#[derive(Clone)]
enum Stored {
    Clear(String),
    Secret(Secret),
    SecretBytes(Secret<Vec<u8>>),
}

impl Text {
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Stored::Clear(text) => text.as_bytes(),
            Stored::Secret(secret) => secret.expose().as_bytes(),
            Stored::SecretBytes(secret) => secret.expose(),
        }
    }

    /// The content as text.
    #[cfg(any(feature = "containers", feature = "edits", feature = "sources"))]
    pub(crate) fn as_str(&self) -> Result<&str> {
        std::str::from_utf8(self.bytes())
            .context("the content is not UTF-8")
            .code(code::EDIT_NOT_TEXT)
    }

    /// Refuses what was printed of a secret, where the secret itself was meant.
    #[cfg(any(feature = "accounts", feature = "edits", feature = "sources"))]
    pub(crate) fn check(&self) -> Result {
        if !self.is_masked() {
            return Ok(());
        }
        Err(fault!(
            code::SECRET_PRINTED,
            "the content holds `{MASK}`: a secret was printed, not exposed"
        ))
        .hint("give it the secret itself, or `.expose()` it")
    }

    /// Whether what stands for a secret was written instead of one.
    pub(crate) fn is_masked(&self) -> bool {
        matches!(&self.0, Stored::Clear(text) if text.contains(MASK))
    }

    /// Whether it was made of a secret.
    pub(crate) fn is_secret(&self) -> bool {
        !matches!(self.0, Stored::Clear(_))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Stored::Clear(text) => text.fmt(f),
            Stored::Secret(secret) => secret.fmt(f),
            Stored::SecretBytes(secret) => secret.fmt(f),
        }
    }
}

macro_rules! text_from {
    ($($type:ty => $stored:ident),* $(,)?) => {
        $(impl From<$type> for Text {
            fn from(value: $type) -> Self {
                Self(Stored::$stored(value.into()))
            }
        })*
    };
}

text_from! {
    &str => Clear,
    &String => Clear,
    String => Clear,
    Cow<'_, str> => Clear,
    Secret => Secret,
    Secret<Vec<u8>> => SecretBytes,
}

impl From<&Secret> for Text {
    fn from(secret: &Secret) -> Self {
        secret.clone().into()
    }
}

impl From<&Secret<Vec<u8>>> for Text {
    fn from(secret: &Secret<Vec<u8>>) -> Self {
        secret.clone().into()
    }
}

/// What an author said about the content.
#[derive(Clone)]
pub(crate) enum Given {
    Content(Text),
    SecretFile(String),
    InlineTemplate(String, template::Context),
    Source(String),
    Template(String, template::Context),
}

impl Given {
    /// The method that gave it.
    fn method(&self) -> &'static str {
        match self {
            Self::Content(_) => "content",
            Self::SecretFile(_) => "secret_file",
            Self::InlineTemplate(..) => "inline_template",
            Self::Source(_) => "source",
            Self::Template(..) => "template",
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(text) => write!(f, "content {text:?}"),
            Self::SecretFile(name) => write!(f, "secret file {name:?}"),
            Self::InlineTemplate(text, context) => write!(f, "template {text:?} {context:?}"),
            Self::Source(name) => write!(f, "source {name:?}"),
            Self::Template(name, context) => write!(f, "template of {name:?} {context:?}"),
        }
    }
}

/// How an asset becomes content.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rendering {
    pub(crate) context: Option<template::Context>,
    /// The method that switched rendering off.
    pub(crate) off: Option<&'static str>,
}

/// Content as the model knows it.
#[derive(Debug)]
pub(crate) enum Body {
    Text(Text),
    Asset(Asset),
    Template(Template),
}

impl Body {
    /// Finds the one content among all that was given; nothing means the asset of the same name.
    pub(crate) fn find(
        given: &[Given],
        rendering: &Rendering,
        file_name: &str,
        scope: &mut Scope<'_>,
    ) -> Result<Self> {
        let given = match given {
            [] => return beside(file_name, rendering, scope),
            [given] => given,
            [first, second, ..] => {
                let (first, second) = (first.method(), second.method());
                return Err(fault!(
                    code::OPTIONS_CLASH,
                    "both `.{first}(…)` and `.{second}(…)` give it content"
                ))
                .hint("a file has one content; leave one of them out");
            }
        };
        if !matches!(given, Given::Source(_)) {
            let method = given.method();
            let unused = rendering.off.or(rendering.context.as_ref().map(|_| "context"));
            if let Some(unused) = unused {
                return Err(fault!(
                    code::OPTIONS_CLASH,
                    "`.{unused}(…)` means nothing beside `.{method}(…)`"
                ))
                .hint("it is about how a `.source(…)` is rendered; leave it out");
            }
        }
        match given {
            Given::Content(text) if text.is_masked() => Err(fault!(
                code::SECRET_PRINTED,
                "the content holds `{MASK}`: a secret was printed, not exposed"
            ))
            .hint("give it the secret itself, `.expose()` it, or let a template render it"),
            Given::Content(text) => Ok(Self::Text(text.clone())),
            Given::SecretFile(name) => Ok(Self::Asset(scope.secret_file(name)?)),
            Given::InlineTemplate(text, context) => {
                Ok(Self::Template(scope.inline_template(file_name, text, context.clone())))
            }
            Given::Template(name, context) => {
                Ok(Self::Template(scope.template(name, context.clone())?))
            }
            Given::Source(name) => from_asset(name, rendering, scope),
        }
    }

    /// The content for people to see.
    pub(crate) fn preview(&self) -> Preview<'_> {
        match self {
            Self::Text(text) if text.is_secret() => Preview::Hidden,
            Self::Text(text) => Preview::Bytes(text.bytes()),
            Self::Asset(asset) => Preview::Asset(asset),
            Self::Template(template) => Preview::Template(template),
        }
    }

    /// The content on a host.
    pub(crate) fn on(&self, probe: &Probe<'_>) -> Result<Content<'_>> {
        Ok(match self {
            Self::Text(text) => Content::Bytes(text.bytes()),
            Self::Asset(asset) => Content::Asset(asset),
            Self::Template(template) => Content::Rendered(probe.rendered(template)?),
        })
    }
}

fn from_asset(name: &str, rendering: &Rendering, scope: &mut Scope<'_>) -> Result<Body> {
    let asset = scope.asset(name)?;
    // Text in which there is nothing to render is compared by its digest, without reading it.
    if asset.kind == AssetKind::Template && rendering.off.is_none() {
        let context = rendering.context.clone().unwrap_or_default();
        return Ok(Body::Template(scope.template(name, context)?));
    }
    Ok(Body::Asset(asset))
}

fn beside(name: &str, rendering: &Rendering, scope: &mut Scope<'_>) -> Result<Body> {
    from_asset(name, rendering, scope).or_else(|error| {
        let missing = error.downcast::<AssetError>()?;
        Err(missing).context("it has neither content nor source").hint(format!(
            "give it `.content(…)` or `.source(…)`, or put `{name}` beside the component's source"
        ))
    })
}
