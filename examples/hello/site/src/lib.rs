//! The site: pages in their frame, an index, and the `release` that readers see.

mod release;

use std::time::Duration;

use hello_pages::Page;
use togusa::prelude::*;

pub use release::Release;

/// A site made of all pages that its host provides.
///
/// Feature `feed` adds an Atom feed.
#[derive(Debug, Attributes)]
#[attributes(features("feed"))]
pub struct Site {
    /// Name of the site, shown on every page.
    title: String,
    /// Where readers find the site, without a slash at the end.
    #[attribute(default = "http://localhost:8000")]
    url: String,
    /// How many releases stay on the host, the present one among them.
    #[attribute(default = 3)]
    keep: usize,
    /// How long a build may take.
    #[attribute(default = "1m")]
    timeout: Duration,
}

impl Component for Site {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        ensure!(self.keep > 0, "`keep` is 0, but the present release must stay");
        let pages = scope.require::<Page>().on_this_host().all()?;
        let feed = scope.has_feature("feed");
        let site = context! { title => self.title, url => self.url, pages => pages, feed => feed };

        scope.add(File::new("build.sh").verbatim());
        scope.add(File::new("pages.tsv").template("pages.tsv.j2", site.clone()));
        scope.add(File::new("index.html").template("index.html.j2", site.clone()));
        scope.add(File::new("sitemap.txt").template("sitemap.txt.j2", site.clone()));
        scope.add(feed.then(|| File::new("feed.xml").template("feed.xml.j2", site)));
        scope.add(Directory::new("frames"));
        for page in &pages {
            let context = context! { site => self.title, page => page };
            scope
                .add(File::new(format!("frames/{}", page.name)).template("frame.html.j2", context));
        }

        let mut build = Exec::new("sh").args(["build.sh", "index.html", "sitemap.txt"]);
        if feed {
            build = build.arg("feed.xml");
        }
        let build = Command::new(build).named("build").creates("public/checksums");
        let build = build.timeout(self.timeout);
        let build = scope.on_any_change().on_change(&pages).add(build);
        scope.on_change(&build).add(Release::new("public", self.keep));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
