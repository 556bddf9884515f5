//! Sites of nginx.

mod trial;
mod upstream;

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::demand;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::template;

use crate::file::{File, Text};
use crate::location::Location;
use crate::purge::Purge;
use crate::symlink::Symlink;

use super::NginxReload;
use super::servers::Servers;
use super::text_source::TextSource;

use trial::Trial;

/// A site of nginx: its file is right, it is enabled, and nginx uses it.
///
/// The content comes from one of [`content`](Self::content), [`source`](Self::source),
/// [`template`](Self::template) and [`inline_template`](Self::inline_template); with none of them it
/// is the asset with the name of the site.
///
/// | attribute | default |
/// |---|---|
/// | layout | `sites-available/NAME`, linked in `sites-enabled`, as Debian has it |
/// | `conf_d` | the file is `conf.d/NAME.conf` |
/// | `include_directory` | the file is `NAME.conf` there |
/// | `config` | `/etc/nginx/nginx.conf`; the directories above lie beside it |
/// | `pid_file` | what the configuration says, else what nginx was built with |
/// | `mode` | `0644`; `0600` if it holds a secret |
/// | `disabled` | no; yes: the file stays, the link goes |
/// | `without_reload` | no; yes: a [`NginxReload`] of one's own follows |
/// | `server_of` | none: no server is taken out of use |
/// | `drain_timeout` | 30 s |
///
/// `verify` compares file and link. `update` tests the whole configuration with the new site in it
/// (`nginx -t`) before anything is changed: a site that nginx refuses leaves the old one in place.
/// For that the configuration is copied, with the `include` that covers the site written out; it
/// must stand in the main file itself. Then file and link are written, and nginx reloads, which is
/// seen by its new workers; one that does not run is left alone.
///
/// [`server_of`](Self::server_of) says whose a `server` of an `upstream` is. While its provider is
/// updated by a rollout, it stands there as `down; # togusa: drained`, which `verify` takes for right,
/// and no other `down` is ever taken away. For that the line is changed in the file as it is on the
/// host, the configuration is tested, and nginx reloads: workers of before answer what they were asked,
/// new ones ask the server nothing. It is waited until the workers of before are gone, or no connection
/// from the host to the server was open for a second; after `drain_timeout` the server counts as
/// drained all the same, and a line of output says so. Connections that are idle at a reload are closed
/// by nginx, as clients expect. Where several servers share an address they are drained together.
///
/// It needs `nginx`, and the right to write there and to signal it: root usually.
///
/// **Needs**: `nginx`; root usually; `getent` for servers by name.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
/// struct App {
///     address: Address,
/// }
/// impl Resource for App {}
///
/// const SHOP: &str = "\
/// upstream apps {
/// {% for server in servers %}
///     server {{ server }};
/// {% endfor %}
/// }
/// server {
///     listen 80;
///     location / { proxy_pass http://apps; }
/// }
/// ";
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let apps = scope.require_all::<App>()?;
///     let servers: Vec<_> = apps.iter().map(|app| app.address.to_string()).collect();
///     let site = NginxSite::new("shop").inline_template(SHOP, context! { servers });
///     scope.add(apps.iter().fold(site, |site, app| site.server_of(app, &app.address)));
///     scope.add(NginxSite::new("default").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct NginxSite {
    name: String,
    given: Option<TextSource>,
    layout: Layout,
    config: Location,
    pid_file: Option<Location>,
    disabled: bool,
    reload: bool,
    absent: bool,
    servers: Servers,
}

/// Where the file of a site lies.
#[derive(Debug)]
enum Layout {
    Debian,
    ConfD,
    Directory(Location),
}

impl NginxSite {
    /// A site by the name of its file.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            given: None,
            layout: Layout::Debian,
            config: "/etc/nginx/nginx.conf".into(),
            pid_file: None,
            disabled: false,
            reload: true,
            absent: false,
            servers: Servers::default(),
        }
    }

    /// Sets the text.
    #[must_use]
    pub fn content(mut self, text: impl Into<Text>) -> Self {
        self.given = Some(TextSource::Content(text.into()));
        self
    }

    /// Sets the text to an asset, rendered if it is a template.
    #[must_use]
    pub fn source(mut self, name: impl Into<String>) -> Self {
        self.given = Some(TextSource::Source(name.into()));
        self
    }

    /// Sets the text to an asset that is rendered with the given variables.
    #[must_use]
    pub fn template(mut self, name: impl Into<String>, context: template::Context) -> Self {
        self.given = Some(TextSource::Template(name.into(), context));
        self
    }

    /// Sets the text to a template that stands in the code.
    #[must_use]
    pub fn inline_template(mut self, text: impl Into<String>, context: template::Context) -> Self {
        self.given = Some(TextSource::Inline(text.into(), context));
        self
    }

    /// Puts the file into `conf.d`, where it is enabled by being there.
    #[must_use]
    pub fn conf_d(mut self) -> Self {
        self.layout = Layout::ConfD;
        self
    }

    /// Puts the file into a directory that the configuration includes.
    #[must_use]
    pub fn include_directory(mut self, path: impl Into<Location>) -> Self {
        self.layout = Layout::Directory(path.into());
        self
    }

    /// Sets the configuration that nginx is run with.
    #[must_use]
    pub fn config(mut self, path: impl Into<Location>) -> Self {
        self.config = path.into();
        self
    }

    /// Sets the file that tells the number of the master.
    #[must_use]
    pub fn pid_file(mut self, path: impl Into<Location>) -> Self {
        self.pid_file = Some(path.into());
        self
    }

    /// Keeps the file, and takes it out of use. In a directory that is included whole it is removed.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Leaves the reload to a component that follows.
    #[must_use]
    pub fn without_reload(mut self) -> Self {
        self.reload = false;
        self
    }

    /// Says whose a server is: the one with that address in an `upstream` of the text belongs to the
    /// provider of the value, and is taken out of use while that is updated by a rollout.
    #[must_use]
    pub fn server_of<R>(mut self, required: &Required<R>, address: &Address) -> Self {
        self.servers.add(required.provider(), address);
        self
    }

    /// Sets how long it is waited until nothing is under way to a server that is taken out of use.
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.servers.set_timeout(timeout);
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The file of the site, and the link that enables it.
    fn paths(&self, config: &HostPath, scope: &Scope<'_>) -> Result<(HostPath, Option<HostPath>)> {
        let beside = config.parent().context("the configuration has no directory")?;
        let conf = format!("{}.conf", self.name);
        Ok(match &self.layout {
            Layout::Debian => {
                let enabled = beside.join("sites-enabled").join(&self.name);
                (beside.join("sites-available").join(&self.name), Some(enabled))
            }
            Layout::ConfD => (beside.join("conf.d").join(conf), None),
            Layout::Directory(directory) => (directory.resolve(scope)?.join(conf), None),
        })
    }

    fn file(&mut self, path: &HostPath) -> File {
        let file = File::new(path);
        match self.given.take() {
            None => file.source(self.name.clone()),
            Some(given) => given.for_file(file),
        }
    }
}

impl Component for NginxSite {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let begins_well = !self.name.starts_with('.');
        demand!(
            !self.name.is_empty() && begins_well && self.name.chars().all(plain),
            code::NOT_A_NAME,
            "`{}` is no name for a site",
            self.name
        );
        let config = self.config.resolve(scope)?;
        let (path, link) = self.paths(&config, scope)?;
        let is_used = !self.absent && !self.disabled;
        if let (Some(link), false) = (&link, is_used) {
            scope.add(Purge::new(link));
        }
        let pid_file = self.pid_file.as_ref().map(|path| path.resolve(scope)).transpose()?;
        let is_gone = self.absent || self.disabled && link.is_none();
        if is_gone {
            scope.add(Purge::new(&path));
        } else {
            scope.add(Trial {
                file: self.file(&path),
                config: config.clone(),
                pid_file: pid_file.clone(),
                included: link.clone().unwrap_or_else(|| path.clone()),
                is_used,
                servers: std::mem::take(&mut self.servers),
            });
        }
        if let (Some(link), true) = (link, is_used) {
            scope.add(Symlink::new(link, &path));
        }
        if self.reload {
            let reload = NginxReload::new().config(config);
            let reload = match &pid_file {
                Some(pid_file) => reload.pid_file(pid_file),
                None => reload,
            };
            scope.on_any_change().add(reload);
        }
        Ok(())
    }
}
