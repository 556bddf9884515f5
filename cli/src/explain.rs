//! The pages of the errors' codes: what each means, what causes it, what to do, with an example.
//!
//! A page is `cli/errors/CODE.md`. `explain CODE` prints it, and [`pages`] gives all of them to whoever
//! makes an index:
//!
//! ```
//! for page in togusa::explain::pages() {
//!     println!("{} {} ({})", page.code, page.title, page.area);
//! }
//! ```

mod markdown;
mod pages;

use togusa_core::problem::Code;

pub(crate) use markdown::{plain, readable};

/// What there is to know of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Page {
    /// The code.
    pub code: Code,
    /// What it means, in one line.
    pub title: &'static str,
    /// What all codes of its hundred are about.
    pub area: &'static str,
    /// The whole page, in Markdown: `# CODE: title`, a paragraph, then cause, remedy and example.
    pub markdown: &'static str,
}

impl Page {
    /// The page of a code; `None` for one of another build.
    pub fn of(code: Code) -> Option<Self> {
        let index = Code::ALL.binary_search(&code).ok()?;
        Some(Self::new(code, pages::PAGES[index]))
    }

    fn new(code: Code, markdown: &'static str) -> Self {
        let heading = markdown.lines().next().unwrap_or_default();
        let title = heading.split_once(": ").map_or(heading, |(_, title)| title);
        Self { code, title, area: code.area(), markdown }
    }
}

/// All pages, in the order of their codes.
pub fn pages() -> impl Iterator<Item = Page> {
    Code::ALL.iter().zip(pages::PAGES).map(|(code, markdown)| Page::new(*code, markdown))
}

/// The codes that somebody may have meant, nearest first.
pub(crate) fn nearest(text: &str) -> Vec<Code> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let Ok(wanted) = digits.parse::<u16>() else { return Vec::new() };
    let differing = |code: &Code| {
        let written = format!("{wanted:04}");
        let known = format!("{:04}", code.number());
        written.bytes().zip(known.bytes()).filter(|(one, other)| one != other).count()
    };
    let mut codes = Code::ALL.to_vec();
    codes.sort_by_key(|code| (differing(code), code.number().abs_diff(wanted)));
    codes.truncate(NEAREST);
    codes
}

/// So many codes are offered in the place of an unknown one.
const NEAREST: usize = 3;

#[cfg(test)]
mod tests;
