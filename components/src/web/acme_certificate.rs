//! Certificates of authorities that speak ACME.

mod client;
mod judge;
mod key_type;
mod obtain;
mod present;

use std::borrow::Cow;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::access::{self, Wanted};
use crate::location::Location;
use crate::mode::IntoMode;

use client::{Client, Places};
use obtain::aside;
use present::{Present, demand_own};

pub use key_type::KeyType;

/// The authority that is asked unless another is named.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// A TLS certificate of Let's Encrypt or another authority that speaks ACME, by a client that is there:
/// certbot or lego.
///
/// | attribute | default |
/// |---|---|
/// | `names` | the one name it is made for, by which the client knows it; more names are added |
/// | `terms_agreed` | must be said: you agree to the terms of the authority |
/// | `email` | none; lego needs one |
/// | `authority` | Let's Encrypt; else the address of its ACME directory |
/// | `ca_file` | what the host trusts; else a file of certificates to trust the authority by |
/// | `webroot` | none: the client answers the challenge itself; else a directory, for a server that runs |
/// | `port` | 80: where the client answers the challenge itself |
/// | `key_type` | [`KeyType::P256`] |
/// | `renew_before` | 30 days before its end, or a third of the time that it holds if that is less |
/// | `group`, `key_mode` | the key is for its owner alone, mode `0600`; with a `group` `0640` |
/// | `combined` | no; yes: certificate and key are in one file as well, as HAProxy wants them |
/// | `lego` | no: certbot |
/// | `directory` | of certbot `/etc/letsencrypt`, of lego `/etc/lego` |
/// | `options` | none: more options of the client |
///
/// [`certificate_path`](Self::certificate_path) and [`key_path`](Self::key_path) are the files of the
/// client itself, the first with the whole chain: what the client renews later is in use as soon as a
/// server reloads. Where a `group` may read the key, the directories of the client above it can be
/// passed by all, as it makes them for root alone; where everybody could then read the key of another
/// certificate in them, that is an error. The file of
/// [`combined_path`](Self::combined_path) is a copy, which only a deployment renews.
///
/// `verify` reads what is on the disk and asks nobody: the names of the certificate, its end, the kind of
/// its key, that the two belong together, from which authority the client says to have it, and who may
/// read the key. How the challenge was answered is not compared: that counts when there is a next one.
/// `update` mends modes in place, and for everything else has the client get a new certificate with a new
/// key; until it has one the old stays in use. The authority limits how often that may be done: try out
/// with its directory for tests first.
///
/// The authority asks each name over HTTP, at port 80: the names must lead to this host, or to one that
/// passes on what is asked below `/.well-known/acme-challenge/`. So names with a `*` cannot be had in this
/// way. [`absent`](Self::absent) removes certificate, key and what the client knows of them, without the
/// client; the certificate is not revoked.
///
/// The next deployment renews. Where deployments are rarer than that, let a
/// [`SystemdTimer`](crate::SystemdTimer) or [`Cron`](crate::Cron) do so, as in the example; Debian's
/// certbot brings a timer of its own, which needs no more than the reload, as an executable file in
/// `/etc/letsencrypt/renewal-hooks/deploy`.
///
/// **Needs**: `certbot` or `lego`, `openssl`; root for the directories of the system and port 80.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     // It answers on port 80 before there is a certificate.
///     let root = "server { listen 80; location / { root /var/www/acme; } }\n";
///     scope.add(NginxSite::new("acme").content(root));
///     scope.add(Directory::new("/var/www/acme"));
///     let shop = AcmeCertificate::new("shop.example.org").names(["www.shop.example.org"]);
///     let shop = shop.email("ops@example.org").terms_agreed().webroot("/var/www/acme");
///     let shop = scope.add(shop);
///     let paths = context! { certificate => shop.certificate_path(), key => shop.key_path() };
///     scope.add(NginxSite::new("shop").template("shop.conf.j2", paths));
///     scope.on_change(&shop).add(NginxReload::new());
///
///     let renew = ["certbot", "renew", "--quiet", "--deploy-hook", "nginx -s reload"];
///     scope.add(SystemdTimer::new("renew-certificates", renew).on_calendar("daily").persistent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct AcmeCertificate {
    names: Vec<String>,
    terms_agreed: bool,
    email: Option<String>,
    authority: String,
    ca_file: Option<Location>,
    webroot: Option<Location>,
    port: Option<u16>,
    key_type: KeyType,
    renew_before: Option<u32>,
    group: Option<String>,
    key_mode: Option<Result<u32, String>>,
    combined: bool,
    client: Client,
    directory: Option<Location>,
    options: Vec<String>,
    absent: bool,
    resolved: Option<Resolved>,
}

/// What is known once it was added.
#[derive(Debug)]
struct Resolved {
    directory: HostPath,
    places: Places,
    ca_file: Option<HostPath>,
    webroot: Option<HostPath>,
    key_mode: u32,
}

impl AcmeCertificate {
    /// A certificate for a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            names: vec![name.into()],
            terms_agreed: false,
            email: None,
            authority: LETS_ENCRYPT.into(),
            ca_file: None,
            webroot: None,
            port: None,
            key_type: KeyType::default(),
            renew_before: None,
            group: None,
            key_mode: None,
            combined: false,
            client: Client::Certbot,
            directory: None,
            options: Vec::new(),
            absent: false,
            resolved: None,
        }
    }

    /// Adds names.
    #[must_use]
    pub fn names(mut self, more: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names.extend(more.into_iter().map(Into::into));
        self
    }

    /// Agrees to the terms of the authority.
    #[must_use]
    pub fn terms_agreed(mut self) -> Self {
        self.terms_agreed = true;
        self
    }

    /// Sets whom the authority may write to.
    #[must_use]
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// Sets the authority, by the address of its ACME directory.
    #[must_use]
    pub fn authority(mut self, url: impl Into<String>) -> Self {
        self.authority = url.into();
        self
    }

    /// Sets the file of the certificates that the authority itself is trusted by.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<Location>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Has a server that runs answer the challenge, from a directory that it serves to all names.
    #[must_use]
    pub fn webroot(mut self, path: impl Into<Location>) -> Self {
        self.webroot = Some(path.into());
        self
    }

    /// Has the client answer the challenge at another port, to which a server passes it on.
    #[must_use]
    pub fn port(mut self, number: u16) -> Self {
        self.port = Some(number);
        self
    }

    /// Sets the kind of the key.
    #[must_use]
    pub fn key_type(mut self, kind: KeyType) -> Self {
        self.key_type = kind;
        self
    }

    /// Sets how many days before its end it is renewed.
    #[must_use]
    pub fn renew_before(mut self, days: u32) -> Self {
        self.renew_before = Some(days);
        self
    }

    /// Lets a group read the key.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Sets the mode of the key; nobody but owner and group may be let in.
    #[must_use]
    pub fn key_mode(mut self, mode: impl IntoMode) -> Self {
        self.key_mode = Some(mode.into_mode().map_err(|invalid| invalid.to_string()));
        self
    }

    /// Puts both into one file as well, which has the mode and the group of the key.
    #[must_use]
    pub fn combined(mut self) -> Self {
        self.combined = true;
        self
    }

    /// Has lego get it, in the place of certbot.
    #[must_use]
    pub fn lego(mut self) -> Self {
        self.client = Client::Lego;
        self
    }

    /// Sets the directory of the client.
    #[must_use]
    pub fn directory(mut self, path: impl Into<Location>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Adds options of the client.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The file of the certificate, with its chain.
    ///
    /// # Panics
    /// The certificate was not added yet.
    #[track_caller]
    pub fn certificate_path(&self) -> &HostPath {
        &self.added().certificate
    }

    /// The file of the key.
    ///
    /// # Panics
    /// The certificate was not added yet.
    #[track_caller]
    pub fn key_path(&self) -> &HostPath {
        &self.added().key
    }

    /// The file that holds both.
    ///
    /// # Panics
    /// The certificate was not added yet, or is not [`combined`](Self::combined).
    #[track_caller]
    pub fn combined_path(&self) -> &HostPath {
        assert!(self.combined, "`{}` is not combined", self.name());
        &self.added().combined
    }

    #[track_caller]
    fn added(&self) -> &Places {
        match &self.resolved {
            Some(resolved) => &resolved.places,
            None => panic!("`{}` has no paths before it is added", self.name()),
        }
    }

    fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    fn resolved(&self) -> Result<&Resolved> {
        let resolved = self.resolved.as_ref();
        resolved.context("the certificate was not configured").code(code::NOT_CONFIGURED)
    }

    fn check(&self) -> Result {
        for name in &self.names {
            let part = |part: &str| {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                !part.is_empty() && !part.starts_with('-') && part.chars().all(plain)
            };
            let is_number = name.split('.').all(|part| part.parse::<u8>().is_ok());
            let is_name = name.len() <= 253 && !is_number && name.split('.').all(part);
            let given = || fault!(code::NOT_A_NAME, "`{name}` is no name that is asked over HTTP");
            let hint = "name a host, without `*`; another certificate can be added by \
                        `Certificate::given(…)`";
            is_name.then_some(()).ok_or_else(given).hint(hint)?;
        }
        if self.absent {
            return Ok(());
        }
        if !self.terms_agreed {
            let of = &self.authority;
            return Err(fault!(
                code::OPTION_MISSING,
                "nobody has agreed to the terms of the authority `{of}`"
            ))
            .hint("read them, and say `.terms_agreed()`");
        }
        let is_email = |text: &String| {
            text.contains('@') && !text.starts_with('-') && !text.contains(char::is_whitespace)
        };
        match &self.email {
            Some(email) => {
                demand!(is_email(email), code::OPTION_VALUE, "`{email}` is no address of mail");
            }
            None if self.client == Client::Lego => {
                return Err(fault!(code::OPTION_MISSING, "lego needs an address of mail"))
                    .hint("say which by `.email(…)`, or let certbot do it");
            }
            None => {}
        }
        let is_url = self.authority.starts_with("https://")
            && !self.authority.contains(|c: char| c.is_whitespace() || c == '@');
        demand!(
            is_url,
            code::ADDRESS_FORM,
            "`{}` is no address of a directory of ACME: it begins with `https://`",
            self.authority
        );
        demand!(
            self.webroot.is_none() || self.port.is_none(),
            code::OPTIONS_CLASH,
            "with a webroot the client answers at no port"
        );
        Ok(())
    }

    fn checked_mode(&self) -> Result<u32> {
        let mode = match &self.key_mode {
            Some(mode) => mode.clone().map_err(|text| fault!(code::MODE_FORM, "{text}"))?,
            None if self.group.is_some() => 0o640,
            None => 0o600,
        };
        demand!(
            mode & 0o007 == 0,
            code::KEY_READABLE,
            "mode {mode:04o} would show the key to everybody"
        );
        Ok(mode)
    }
}

impl Component for AcmeCertificate {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        // Authorities write names so.
        self.names.iter_mut().for_each(|name| name.make_ascii_lowercase());
        self.check()?;
        let key_mode = self.checked_mode()?;
        let directory = match &self.directory {
            Some(directory) => directory.resolve(scope)?,
            None => scope.path(self.client.directory()),
        };
        let resolve =
            |path: &Option<Location>| path.as_ref().map(|path| path.resolve(scope)).transpose();
        let (ca_file, webroot) = (resolve(&self.ca_file)?, resolve(&self.webroot)?);
        let places = self.client.places(&directory, self.name());
        scope.manages("acme-certificate", self.name());
        scope.check_arguments(&self.client.program().args(&self.options))?;
        self.resolved = Some(Resolved { directory, places, ca_file, webroot, key_mode });
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let places = &self.resolved()?.places;
        if self.absent {
            let mut verdict = Verdict::current();
            for path in &places.all {
                if probe.entry(path)?.is_some() {
                    verdict.push(Change::remove(format!("`{}`", probe.local(path).display())));
                }
            }
            return Ok(verdict);
        }
        let present = Present::read(probe, &places.certificate, &places.key)?;
        let mut changes = self.differences(probe, &present)?;
        changes.extend(self.combined_change(probe)?);
        for (of, path, entry, ownership) in self.accessible(probe)? {
            let of = match of {
                "" => format!(" of `{}`", probe.local(&path).display()),
                of => of.to_owned(),
            };
            changes.extend(Wanted::new(&ownership, probe)?.changes(probe, &entry, &of));
        }
        Ok(changes.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        // Clients let no other run beside them, and do not wait for its end.
        let _alone = machine.exclusive(self.client.name());
        let places = &self.resolved()?.places;
        if self.absent {
            // Also what a run that was killed has put aside.
            let asides = places.lineage.iter().map(aside).collect::<Result<Vec<_>>>()?;
            return places.all.iter().chain(&asides).try_for_each(|path| machine.remove(path));
        }
        let read = || Present::read(machine, &places.certificate, &places.key);
        let present = read()?;
        if !self.differences(machine, &present)?.is_empty() {
            self.obtain(machine, &present)?;
            if let (Some(facts), Some(days)) = (read()?.facts, self.renew_before)
                && facts.days_left() < days.into()
            {
                let holds = facts.days_left();
                return Err(fault!(
                    code::ACME_SHORT,
                    "the authority's certificates hold for {holds} days, and would be renewed at once"
                ))
                .hint("choose a smaller `.renew_before(…)`");
            }
        }
        self.combine(machine)?;
        for (_, path, entry, ownership) in self.accessible(machine)? {
            demand_own(machine, &path)?;
            access::mend(machine, &path, &entry, &ownership)?;
        }
        Ok(())
    }
}
