//! Looking at a host.

mod files;

pub(super) use files::is_missing;

use std::any::Any;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::address::ListenAddress;
use crate::assets::{self, Asset};
use crate::environment::Host;
use crate::host::{Exec, Facts, HostSite, Output, exec, facts};
use crate::names::{Breadcrumb, RootId};
use crate::path::HostPath;
use crate::resource::Provider;
use crate::template::{self, Rendered, Template, TemplateText};

/// A look at the host that a component converges on; nothing can be changed through it.
#[derive(Clone, Debug)]
pub struct Probe<'a> {
    pub(crate) site: &'a HostSite,
    pub(crate) root: &'a RootId,
    pub(crate) breadcrumb: &'a Breadcrumb,
}

/// Something found out about a host at once for many components, such as all installed packages.
///
/// It is taken when the first component asks, and kept until an update invalidates it.
pub trait Snapshot: Any + Send + Sync {
    /// Looks at the host. It must not ask for the snapshot of its own type.
    ///
    /// # Errors
    /// Whatever makes it impossible; the next who asks tries again.
    fn take(probe: &Probe<'_>) -> Result<Self>
    where
        Self: Sized;
}

impl<'a> Probe<'a> {
    /// A look at the given host on behalf of a component.
    pub fn new(site: &'a HostSite, root: &'a RootId, breadcrumb: &'a Breadcrumb) -> Self {
        Self { site, root, breadcrumb }
    }

    /// The host as the environment describes it.
    pub fn host(&self) -> &'a Host {
        &self.site.host
    }

    /// The environment's name.
    pub fn environment(&self) -> &'a str {
        &self.site.environment
    }

    /// The project's name.
    pub fn project(&self) -> &'a str {
        &self.site.project
    }

    /// The home directory of the converging user.
    pub fn home(&self) -> &'a Path {
        &self.site.home
    }

    /// A path of this host as a real one.
    pub fn local(&self, path: &HostPath) -> PathBuf {
        self.site.local(path)
    }

    /// What the host is; read once per run.
    pub fn facts(&self) -> &'a Facts {
        self.site.shared.facts.get_or_init(Facts::read)
    }

    /// The addresses that a name to listen on has, IPv4 first; none if it was not resolved.
    pub fn addresses(&self, address: &ListenAddress) -> Vec<SocketAddr> {
        let resolved = self.site.render_table.addresses.get(&address.host);
        resolved.map(|resolved| resolved.with_port(address.port)).unwrap_or_default()
    }

    /// Whether the component's root has taken a provider out of use: what
    /// [`verify`](crate::component::Component::verify) compares with must have it out of use too.
    pub fn drained(&self, provider: &Provider) -> bool {
        self.site.shared.is_drained(&self.root.root, &provider.root)
    }

    /// Renders a template for this host.
    ///
    /// # Errors
    /// The text cannot be read, or is wrong, or names a variable that is not defined.
    pub fn render(&self, template: &Template) -> Result<String> {
        Ok(self.rendered(template)?.text)
    }

    /// Renders a template for this host, and tells whether what came out must not be seen.
    ///
    /// # Errors
    /// The text cannot be read, or is wrong, or names a variable that is not defined.
    pub fn rendered(&self, template: &Template) -> Result<Rendered> {
        let globals = self.site.shared.globals.get_or_init(|| {
            let facts = self.facts().to_value();
            facts::globals(self.project(), self.environment(), self.host(), facts)
        });
        let context = template::with_globals(&template.context, globals);
        let read;
        let (text, digest) = match &template.text {
            TemplateText::Inline(text) => (&**text, None),
            TemplateText::Asset(asset) if template::is_compiled(asset.digest) => {
                ("", Some(asset.digest))
            }
            TemplateText::Asset(asset) => {
                read = String::from_utf8(self.asset(asset)?)
                    .with_context(|| format!("template `{}` is not UTF-8", asset.name))?;
                (read.as_str(), Some(asset.digest))
            }
        };
        let table = &self.site.render_table;
        let mut rendered = template::render(&template.name, text, digest, context, table)?;
        rendered.sensitive |= self.is_sensitive(rendered.text.as_bytes());
        if let TemplateText::Asset(asset) = &template.text {
            rendered.sensitive |= asset.sensitive;
        }
        Ok(rendered)
    }

    /// Whether a content holds a secret that the root has: as it is, in a common encoding, or a line
    /// of it. Of secrets under 6 bytes it cannot tell.
    pub fn is_sensitive(&self, content: &[u8]) -> bool {
        self.site.secrets_of(&self.root.root).is_in(content)
    }

    /// The whole content of an asset.
    ///
    /// # Errors
    /// The content is not there, or is not what its digest says.
    pub fn asset(&self, asset: &Asset) -> Result<Vec<u8>> {
        Ok(assets::read(&*self.site.assets, asset)?)
    }

    /// Opens the content of an asset; who reads it must compare the digest of what came.
    ///
    /// # Errors
    /// The content is not there.
    pub fn open_asset(&self, asset: &Asset) -> Result<Box<dyn Read>> {
        Ok(self.site.assets.open(asset)?)
    }

    /// Runs a command that only looks.
    ///
    /// Nothing of its output is shown, and no snapshot is invalidated.
    ///
    /// # Errors
    /// The command could not be started, ended with a code that is not accepted, or hung.
    pub fn query(&self, command: &Exec) -> Result<Output> {
        exec::remedied(exec::query(self, command))
    }

    /// What is found out at once for many components; taken at most once until it is invalidated.
    ///
    /// # Errors
    /// It could not be taken.
    pub fn snapshot<S: Snapshot>(&self) -> Result<Arc<S>> {
        self.site.shared.snapshot(|| S::take(self))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::context;
    use crate::host::site::tests::TestSite;

    fn template(text: TemplateText) -> Template {
        Template { name: "t".into(), text, context: context! { port => 80 } }
    }

    #[test]
    fn a_template_sees_its_variables_the_host_and_its_facts() {
        let mut test = TestSite::new();
        test.site.host.data.insert("rack", "b4");
        let text = "{{ port }} {{ host.name }} {{ host.address }} {{ host.platform is none }} \
                    {{ environment.project }}/{{ environment.name }} {{ facts.cores > 0 }} \
                    {{ host.data.rack }}\n";
        let expected = "80 web web True shop/test True b4\n";
        let inline = template(TemplateText::Inline(text.into()));
        assert_eq!(test.probe().render(&inline).unwrap(), expected);

        let asset = test.asset("a.j2", text.as_bytes());
        let from_asset = template(TemplateText::Asset(asset.clone()));
        assert_eq!(test.probe().render(&from_asset).unwrap(), expected);
        test.corrupt(&asset);
        assert_eq!(test.probe().render(&from_asset).unwrap(), expected, "compiled once is enough");
    }

    #[test]
    fn a_template_whose_text_changed_underway_is_refused() {
        let test = TestSite::new();
        let asset = test.asset("b.j2", b"a text of its own");
        test.corrupt(&asset);
        let error = test.probe().render(&template(TemplateText::Asset(asset))).unwrap_err();
        assert!(error.to_string().contains("`b.j2`"), "{error}");
    }

    struct Counted(usize);

    static TAKEN: AtomicUsize = AtomicUsize::new(0);

    impl Snapshot for Counted {
        fn take(_: &Probe<'_>) -> Result<Self> {
            std::thread::yield_now();
            Ok(Self(TAKEN.fetch_add(1, Ordering::SeqCst) + 1))
        }
    }

    #[test]
    fn a_snapshot_is_taken_once_by_many_threads_and_again_after_an_update() {
        let test = TestSite::new();
        let all_see = |number: usize| {
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        assert_eq!(test.probe().snapshot::<Counted>().unwrap().0, number)
                    });
                }
            });
        };
        all_see(1);
        test.machine().invalidate::<Counted>();
        all_see(2);
        test.probe().query(&Exec::new("true")).unwrap();
        all_see(2);
        test.machine().run(&Exec::new("true")).unwrap();
        all_see(3);
    }

    struct Failing;

    impl Snapshot for Failing {
        fn take(_: &Probe<'_>) -> Result<Self> {
            anyhow::bail!("no packages")
        }
    }

    #[test]
    fn a_snapshot_that_failed_is_an_error_for_each_who_asks() {
        let test = TestSite::new();
        for _ in 0..2 {
            let error = test.probe().snapshot::<Failing>().err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some("no packages"));
        }
    }
}
