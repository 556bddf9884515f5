//! A banner: a file that whoever logs in is shown.

use togusa_components::prelude::*;
use togusa_core::prelude::*;

/// The file `banner`, made of the template that comes with this crate.
///
/// ```
/// use shared_banner::Banner;
/// use togusa_core::prelude::*;
///
/// let registry = Registry::new().with::<Banner>("banner");
/// ```
#[derive(Debug, Attributes)]
pub struct Banner {
    /// What it says.
    text: String,
    /// How many columns the lines around it have.
    #[attribute(default = 40)]
    width: usize,
}

impl Component for Banner {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let context = context! { text => self.text, rule => "-".repeat(self.width) };
        scope.add(File::new("banner").template("banner.j2", context));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use togusa_core::testing::Harness;

    use super::*;

    #[test]
    fn a_banner_stands_between_two_lines() {
        let registry = Registry::new().with::<Banner>("banner");
        let harness = Harness::new(registry).host("web", ["banner"]);
        let harness = harness.set("web", "banner", "text", "hi").set("web", "banner", "width", 3);
        harness.assert_converges();
        let banner = harness.work_directory("web", "banner").join("banner");
        assert_eq!(harness.read("web", &banner.display().to_string()), "---\nhi on web\n---\n");
    }
}
