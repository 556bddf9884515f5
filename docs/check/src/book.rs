//! The book as HTML, without warnings.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use mdbook_driver::MDBook;
use tracing::field::{Field, Visit};
use tracing::{Level, Metadata, Subscriber, span};

use crate::root;

/// Builds the book into `target/book` of the repository.
///
/// # Errors
/// The book cannot be built, or something about it is worth a warning.
pub fn build() -> anyhow::Result<PathBuf> {
    build_into(root().join("target/book"))
}

/// Builds the book into a directory.
///
/// # Errors
/// The book cannot be built, or something about it is worth a warning.
pub fn build_into(directory: PathBuf) -> anyhow::Result<PathBuf> {
    let warnings = Warnings::default();
    let built = tracing::subscriber::with_default(warnings.clone(), || {
        let mut book = MDBook::load(root().join("docs"))?;
        book.config.build.build_dir.clone_from(&directory);
        book.build()
    });
    built.context("the book cannot be built")?;
    let warnings = warnings.0.lock().unwrap_or_else(PoisonError::into_inner);
    if !warnings.is_empty() {
        bail!("the book was built with warnings:\n{}", warnings.join("\n"));
    }
    Ok(directory)
}

/// What the builder of the book warns of.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.0);
    }

    // Spans are of no interest: all of them are one.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
