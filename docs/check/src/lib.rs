//! The book under `docs`: how it is built, generated and checked.
//!
//! | module | what lives there |
//! |---|---|
//! | [`pages`] | the pages, with their headings, links and fenced blocks |
//! | [`links`] | every page is in the summary, every link leads somewhere |
//! | [`languages`] | what a fenced block must be, by its language |
//! | [`examples`] | the components that environments on pages may name |
//! | [`generate`] | what is written by code: reference, schemas, the list of pages with Rust |
//! | [`book`] | the book as HTML |
//! | [`validate`] | what a JSON Schema says to a document |
//! | [`program`] | the two commands of the program |
//!
//! `doctests` lets rustdoc compile and run every block of Rust on a page.

pub mod book;
#[cfg(doctest)]
mod doctests;
pub mod examples;
pub mod generate;
pub mod languages;
pub mod links;
pub mod pages;
pub mod program;
pub mod validate;

use std::fmt;
use std::path::{Path, PathBuf};

/// The directory of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Something on a page that has to be mended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The page, relative to the repository.
    pub path: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub wrong: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.wrong)
    }
}
