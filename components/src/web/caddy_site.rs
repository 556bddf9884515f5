//! Sites of Caddy.

mod trial;

use std::borrow::Cow;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault, template};

use crate::file::{File, Text};
use crate::location::Location;
use crate::purge::Purge;

use super::CaddyReload;
use super::caddy_reload::CONFIG;
use super::text_source::TextSource;

use trial::{Import, Trial};

/// A site of Caddy: its file is right, the Caddyfile imports it, and Caddy uses it.
///
/// What the site does is said by attributes, or as a whole by one of [`content`](Self::content),
/// [`source`](Self::source), [`template`](Self::template) and
/// [`inline_template`](Self::inline_template).
///
/// | attribute | default |
/// |---|---|
/// | `address` | the name of the site; several may be given: `shop.example.org`, `:8080`, `http://a` |
/// | `certificate` | Caddy gets one from Let's Encrypt; else files of a certificate and its key |
/// | `internal_tls` | no; yes: of an authority that Caddy has for itself |
/// | `without_tls` | no; yes: it is served over HTTP alone |
/// | `root` | none; a directory whose files are served |
/// | `upstream` | none; servers that requests are passed on to |
/// | `upstream_path` | all requests; else those below a path, such as `/api/*` |
/// | `directive` | none: any other lines of the site |
/// | `config` | `/etc/caddy/Caddyfile` |
/// | `include_directory` | `Caddyfile.d` beside the configuration; the file there is `NAME.caddyfile` |
/// | `mode` | `0644`; `0600` if it holds a secret, with a `group` `0640` |
/// | `group` | of a new file the converging user's; else left as it is |
/// | `without_reload` | no; yes: a [`CaddyReload`] of one's own follows |
///
/// Where no `import` of the Caddyfile covers the file, one is added at its end. A Caddyfile that is a
/// [`File`] must have it: `import Caddyfile.d/*.caddyfile`, at the outermost level.
///
/// `verify` compares the file, and looks for the import. `update` has Caddy read the whole configuration
/// with the new site in it (`caddy adapt`), and a Caddy that runs use it, before anything is changed: a
/// site that it refuses leaves the old one in place and in use. Then the file is written. A Caddy that does
/// not run is left alone; then only the syntax is known to be right. Certificates that Caddy is to use must
/// be readable for its own user. When they are renewed, a [`CaddyReload`] has it read them.
///
/// Caddy reads the file as a user of its own: one that holds a secret needs a `group`, on Debian `caddy`.
/// A `{$NAME}` in it would stand for a variable of whoever has Caddy load it, which is the converging
/// process and not the service of Caddy: a site that holds one is refused. Take a variable of the model, or
/// `{env.NAME}`, which Caddy itself looks up.
///
/// **Needs**: `caddy`; root usually.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let app = Address { host: "10.0.0.2".into(), port: 8080 };
///     let shop = CaddySite::new("shop.example.org").root("/srv/shop").directive("encode gzip");
///     scope.add(shop.upstream(&app).upstream_path("/api/*"));
///
///     let own = Certificate::self_signed("stats.localhost").group("caddy").key_mode(0o640);
///     let own = scope.add(own);
///     let stats = CaddySite::new("stats").address("stats.localhost:8443").upstream(&app);
///     scope.add(stats.certificate(own.certificate_path(), own.key_path()));
///     scope.on_change(&own).add(CaddyReload::new());
///     scope.add(CaddySite::new("old.example.org").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct CaddySite {
    name: String,
    given: Option<TextSource>,
    addresses: Vec<String>,
    tls: Tls,
    root: Option<Location>,
    upstreams: Vec<String>,
    upstream_path: Option<String>,
    directives: Vec<String>,
    config: Location,
    include_directory: Option<Location>,
    group: Option<String>,
    reload: bool,
    absent: bool,
}

/// How it is encrypted.
#[derive(Debug, PartialEq)]
enum Tls {
    Automatic,
    Internal,
    Off,
    Files(Location, Location),
}

const SITE: &str = "\
{{ addresses }} {
{% if certificate %}
\ttls \"{{ certificate }}\" \"{{ key }}\"
{% elif internal %}
\ttls internal
{% endif %}
{% for line in lines %}
\t{{ line }}
{% endfor %}
{% if root %}
\troot * \"{{ root }}\"
\tfile_server
{% endif %}
{% if upstreams %}
\treverse_proxy {{ upstreams }}
{% endif %}
}
";

impl CaddySite {
    /// A site by its name, which is its address too, unless another is given.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            given: None,
            addresses: Vec::new(),
            tls: Tls::Automatic,
            root: None,
            upstreams: Vec::new(),
            upstream_path: None,
            directives: Vec::new(),
            config: CONFIG.into(),
            include_directory: None,
            group: None,
            reload: true,
            absent: false,
        }
    }

    /// Adds an address that it is served at.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Sets the certificate, with its chain, and its key.
    #[must_use]
    pub fn certificate(
        mut self,
        certificate: impl Into<Location>,
        key: impl Into<Location>,
    ) -> Self {
        self.tls = Tls::Files(certificate.into(), key.into());
        self
    }

    /// Has Caddy issue a certificate itself.
    #[must_use]
    pub fn internal_tls(mut self) -> Self {
        self.tls = Tls::Internal;
        self
    }

    /// Serves it over HTTP alone.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.tls = Tls::Off;
        self
    }

    /// Serves the files of a directory.
    #[must_use]
    pub fn root(mut self, path: impl Into<Location>) -> Self {
        self.root = Some(path.into());
        self
    }

    /// Adds a server that requests are passed on to.
    #[must_use]
    pub fn upstream(mut self, address: &Address) -> Self {
        self.upstreams.push(address.to_string());
        self
    }

    /// Sets which requests are passed on: `/api/*`.
    #[must_use]
    pub fn upstream_path(mut self, path: impl Into<String>) -> Self {
        self.upstream_path = Some(path.into());
        self
    }

    /// Adds a directive, or several in lines.
    #[must_use]
    pub fn directive(mut self, lines: impl Into<String>) -> Self {
        self.directives.push(lines.into());
        self
    }

    /// Sets the text of the file.
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

    /// Sets the configuration that Caddy is run with.
    #[must_use]
    pub fn config(mut self, path: impl Into<Location>) -> Self {
        self.config = path.into();
        self
    }

    /// Sets the directory of the file.
    #[must_use]
    pub fn include_directory(mut self, path: impl Into<Location>) -> Self {
        self.include_directory = Some(path.into());
        self
    }

    /// Sets the group of the file.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Leaves the reload to a component that follows.
    #[must_use]
    pub fn without_reload(mut self) -> Self {
        self.reload = false;
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn check(&self) -> Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        demand!(
            !self.name.is_empty() && !self.name.starts_with('.') && self.name.chars().all(plain),
            code::NOT_A_NAME,
            "`{}` is no name for a site",
            self.name
        );
        let is_address = |text: &String| {
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "{}\"`,".contains(c))
        };
        if let Some(odd) = self.addresses.iter().find(|text| !is_address(text)) {
            return Err(fault!(code::ADDRESS_FORM, "`{odd}` is no address of a site"))
                .hint("write one as `shop.example.org`, `:8080` or `http://shop.example.org`");
        }
        if let Some(path) = &self.upstream_path {
            demand!(
                path.starts_with('/') && !path.contains(char::is_whitespace),
                code::OPTION_VALUE,
                "`{path}` is no path of requests, such as `/api/*`"
            );
        }
        let is_said = self.root.is_some()
            || !self.upstreams.is_empty()
            || !self.directives.is_empty()
            || self.tls != Tls::Automatic
            || !self.addresses.is_empty();
        match (&self.given, is_said) {
            (Some(_), true) => {
                return Err(fault!(code::OPTIONS_CLASH, "the text is given as a whole"))
                    .hint("leave out `.content(…)` and the like, or all that says what it does");
            }
            (None, false) if !self.absent => {
                return Err(fault!(code::OPTION_MISSING, "nothing says what the site does"))
                    .hint("add a `.root(…)`, an `.upstream(…)`, or a `.directive(…)`");
            }
            _ => {}
        }
        if self.root.is_some() && !self.upstreams.is_empty() && self.upstream_path.is_none() {
            return Err(fault!(
                code::OPTIONS_CLASH,
                "all requests are passed on, and none is left for the files"
            ))
            .hint("say which are by `.upstream_path(…)`");
        }
        let secure = self.addresses.iter().find(|address| address.starts_with("https://"));
        match secure.filter(|_| self.tls == Tls::Off) {
            Some(address) => Err(fault!(
                code::OPTIONS_CLASH,
                "`{address}` is encrypted, and the site is not to be"
            )),
            None => Ok(()),
        }
    }

    /// What attributes say, as variables of the text.
    fn variables(&self, scope: &Scope<'_>) -> Result<template::Context> {
        let own = [self.name.clone()];
        let addresses = if self.addresses.is_empty() { &own[..] } else { &self.addresses };
        let addresses = addresses.iter().map(|address| match self.tls {
            Tls::Off if !address.contains("://") => format!("http://{address}"),
            _ => address.clone(),
        });
        let addresses = addresses.collect::<Vec<_>>().join(", ");
        let (certificate, key) = match &self.tls {
            Tls::Files(certificate, key) => {
                (Some(certificate.resolve(scope)?), Some(key.resolve(scope)?))
            }
            _ => (None, None),
        };
        let internal = self.tls == Tls::Internal;
        let lines: Vec<_> = self.directives.iter().flat_map(|text| text.lines()).collect();
        let root = self.root.as_ref().map(|root| root.resolve(scope)).transpose()?;
        let to: Vec<_> = self.upstream_path.iter().chain(&self.upstreams).cloned().collect();
        let upstreams = if self.upstreams.is_empty() { String::new() } else { to.join(" ") };
        Ok(context! { addresses, certificate, key, internal, lines, root, upstreams })
    }

    fn file(&mut self, path: &HostPath, scope: &Scope<'_>) -> Result<File> {
        let file = File::new(path);
        let file = match self.given.take() {
            None => file.inline_template(SITE, self.variables(scope)?),
            Some(given) => given.for_file(file),
        };
        Ok(match &self.group {
            Some(group) => file.group(group).mode(0o640),
            None => file,
        })
    }
}

impl Component for CaddySite {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        let config = self.config.resolve(scope)?;
        let directory = match &self.include_directory {
            Some(directory) => directory.resolve(scope)?,
            None => {
                let beside = config.parent().context("the configuration has no directory")?;
                beside.join("Caddyfile.d")
            }
        };
        let path = directory.join(format!("{}.caddyfile", self.name));
        if self.absent {
            scope.add(Purge::new(&path));
        } else {
            let file = self.file(&path, scope)?.leading_directories();
            let has_group = self.group.is_some();
            scope.add(Trial { file, config: config.clone(), has_group, reload: self.reload });
            scope.add(Import { config: config.clone(), site: path });
        }
        if self.reload {
            scope.on_any_change().add(CaddyReload::new().config(config).if_it_differs());
        }
        Ok(())
    }
}
