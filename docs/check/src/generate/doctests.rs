//! The list of pages with Rust, by which rustdoc finds their blocks.

use super::Generated;
use crate::pages::{self, Page};

const HEAD: &str = "//! The pages with Rust; rustdoc compiles and runs their blocks.\n//!\n\
                    //! Written by `docs/generate`.\n";

/// The list.
pub(super) fn list() -> anyhow::Result<Generated> {
    let pages = pages::of_book()?;
    let modules = pages.iter().filter_map(module);
    let text = format!("{HEAD}{}", modules.collect::<String>());
    Ok(Generated::new("docs/check/src/doctests.rs", text))
}

fn module(page: &Page) -> Option<String> {
    let name = page.in_book()?;
    // The examples of components, and the pages of errors, are tests of the crates that they are made from.
    let elsewhere = ["reference/components/", "reference/errors/"];
    let is_elsewhere = elsewhere.iter().any(|directory| name.starts_with(directory));
    if is_elsewhere || page.blocks_in("rust").next().is_none() {
        return None;
    }
    let module = name.trim_end_matches(".md").replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let module = module.to_lowercase();
    Some(format!("\n#[doc = include_str!(\"../../src/{name}\")]\nmod {module} {{}}\n"))
}
