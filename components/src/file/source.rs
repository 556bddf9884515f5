//! Where the content of a file comes from.

use std::fmt;

use togusa_core::assets::{AssetError, AssetKind};
use togusa_core::prelude::*;
use togusa_core::template;

use crate::content::Content;

/// What an author said about the content.
#[derive(Clone)]
pub(super) enum Given {
    Content(String),
    InlineTemplate(String, template::Context),
    Source(String),
    Template(String, template::Context),
}

impl Given {
    /// The method that gave it.
    fn method(&self) -> &'static str {
        match self {
            Self::Content(_) => "content",
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
            Self::InlineTemplate(text, context) => write!(f, "template {text:?} {context:?}"),
            Self::Source(name) => write!(f, "source {name:?}"),
            Self::Template(name, context) => write!(f, "template of {name:?} {context:?}"),
        }
    }
}

/// How an asset becomes content.
#[derive(Clone, Debug, Default)]
pub(super) struct Rendering {
    pub(super) context: Option<template::Context>,
    /// The method that switched rendering off.
    pub(super) off: Option<&'static str>,
}

/// Content as the model knows it.
#[derive(Debug)]
pub(super) enum Body {
    Text(String),
    Asset(Asset),
    Template(Template),
}

impl Body {
    /// Finds the one content among all that was given; nothing means the asset of the same name.
    pub(super) fn find(
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
                return Err(anyhow!("both `.{first}(…)` and `.{second}(…)` give it content"))
                    .hint("a file has one content; leave one of them out");
            }
        };
        if !matches!(given, Given::Source(_)) {
            let method = given.method();
            let unused = rendering.off.or(rendering.context.as_ref().map(|_| "context"));
            if let Some(unused) = unused {
                return Err(anyhow!("`.{unused}(…)` means nothing beside `.{method}(…)`"))
                    .hint("it is about how a `.source(…)` is rendered; leave it out");
            }
        }
        match given {
            Given::Content(text) => Ok(Self::Text(text.clone())),
            Given::InlineTemplate(text, context) => {
                Ok(Self::Template(scope.inline_template(file_name, text, context.clone())))
            }
            Given::Template(name, context) => {
                Ok(Self::Template(scope.template(name, context.clone())?))
            }
            Given::Source(name) => from_asset(name, rendering, scope),
        }
    }

    /// The content on a host.
    pub(super) fn on(&self, probe: &Probe<'_>) -> Result<Content<'_>> {
        Ok(match self {
            Self::Text(text) => Content::Text(text),
            Self::Asset(asset) => Content::Asset(asset),
            Self::Template(template) => Content::Rendered(probe.render(template)?),
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
