//! The pages of the site: what they say, and where they lie.
//!
//! [`Pages`] brings the sources to the host and provides a [`Page`] for each of them. It knows
//! nothing of the site that is made of them.

use serde::{Deserialize, Serialize};
use togusa::prelude::*;

/// A page that a site on the same host can show.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page {
    /// The title.
    pub title: String,
    /// The name of its file in the site, such as `imprint.html`.
    pub name: String,
    /// The day of its last change: `2026-11-20`.
    pub updated: String,
    /// The source: HTML without a frame.
    pub source: HostPath,
}

impl Resource for Page {}

/// The articles: name, title, day of the last change.
const ARTICLES: [(&str, &str, &str); 2] = [
    ("first-steps.html", "First steps", "2026-11-02"),
    ("why-static.html", "Why a static site", "2026-11-20"),
];

/// The sources of all pages.
#[derive(Debug, Attributes)]
pub struct Pages {
    /// Whom readers write to, as the imprint says.
    #[attribute(default = "webmaster@localhost")]
    contact: String,
}

impl Component for Pages {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let articles = Directory::new("articles").source("articles").remove_extras();
        let articles = scope.add(articles);
        let context = context! { contact => self.contact };
        let imprint = scope.add(File::new("imprint.html").template("imprint.html.j2", context));

        let mut provide = |name: &str, title: &str, updated: &str, source: HostPath| {
            let [name, title, updated] = [name, title, updated].map(str::to_owned);
            scope.provide(Page { title, name, updated, source });
        };
        for (name, title, updated) in ARTICLES {
            provide(name, title, updated, articles.path().join(name));
        }
        provide("imprint.html", "Imprint", "2026-10-01", imprint.path().clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
