//! TLS certificates and their keys.

pub(super) mod facts;
mod given;
mod self_signed;

use std::borrow::Cow;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::file::{File, Text};
use crate::location::Location;
use crate::mode::IntoMode;

use given::Given;
use self_signed::SelfSigned;

/// How many days before its end a self-signed certificate is made anew.
const RENEW_BEFORE: u32 = 30;

/// A TLS certificate and its key: signed by itself, for development, or given.
///
/// | attribute | default |
/// |---|---|
/// | `directory` | the root's work directory; it must be there. Files `NAME.crt` and `NAME.key` |
/// | `owner`, `group` | of new files the converging user; else left as they are |
/// | `key_mode` | `0600`; the certificate has `0644` |
/// | `names` (self-signed) | the one name it is made for; more names and addresses are added |
/// | `days` (self-signed) | 365: how long it holds |
/// | `renew_before` | 30 days before its end a self-signed one is made anew; a given one fails from its end on, or so many days before |
///
/// `verify` compares mode and owner of both files. Of a self-signed certificate it reads names,
/// lifetime and end, and whether it belongs to the key; of a given one it compares the contents and
/// reads the end. `update` mends mode and owner in place, and makes a self-signed certificate anew,
/// with a new key (P-256), when anything else differs. A given one is checked before anything is
/// written: the key belongs to the certificate, each certificate of the chain was issued by the next
/// one, and it still holds.
///
/// [`absent`](Self::absent) removes both files.
///
/// Keys pass through pipes alone, and are private on the disk from the first moment. It needs the
/// program `openssl`, which whatever serves TLS usually brings; giving files away needs root.
///
/// **Needs**: `openssl`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, chain: Secret, key: Secret) -> Result {
///     let own = scope.add(Certificate::self_signed("shop.localhost").names(["127.0.0.1"]));
///     let given = scope.add(Certificate::given("shop", chain, key).directory("/etc/ssl/private"));
///     let paths = context! { certificate => own.certificate_path(), key => own.key_path() };
///     let site = NginxSite::new("shop").template("shop.conf.j2", paths);
///     scope.on_change(&own).on_change(&given).add(NginxReload::new());
///     scope.add(site);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Certificate {
    name: String,
    source: Source,
    directory: Option<Location>,
    owner: Option<String>,
    group: Option<String>,
    key_mode: Result<u32, String>,
    renew_before: Option<u32>,
    absent: bool,
    paths: Option<(HostPath, HostPath)>,
}

/// Where it comes from.
#[derive(Debug)]
enum Source {
    SelfSigned { names: Vec<String>, days: u32 },
    Given { certificate: Text, key: Secret },
    Files { certificate: String, key: String },
}

impl Certificate {
    /// A certificate that signs itself, for a name or an address.
    pub fn self_signed(name: impl Into<String>) -> Self {
        let name = name.into();
        let source = Source::SelfSigned { names: vec![name.clone()], days: 365 };
        Self::of(name, source)
    }

    /// A certificate with its chain, the server's own first, and its key, both in PEM.
    pub fn given(
        name: impl Into<String>,
        certificate: impl Into<Text>,
        key: impl Into<Secret>,
    ) -> Self {
        let source = Source::Given { certificate: certificate.into(), key: key.into() };
        Self::of(name.into(), source)
    }

    /// A certificate and its key from secret files of the environment, both in PEM.
    pub fn given_files(
        name: impl Into<String>,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        let source = Source::Files { certificate: certificate.into(), key: key.into() };
        Self::of(name.into(), source)
    }

    fn of(name: String, source: Source) -> Self {
        Self {
            name,
            source,
            directory: None,
            owner: None,
            group: None,
            key_mode: Ok(0o600),
            renew_before: None,
            absent: false,
            paths: None,
        }
    }

    /// Adds names and addresses to a self-signed certificate.
    #[must_use]
    pub fn names(mut self, more: impl IntoIterator<Item = impl Into<String>>) -> Self {
        if let Source::SelfSigned { names, .. } = &mut self.source {
            names.extend(more.into_iter().map(Into::into));
        }
        self
    }

    /// Sets how many days a self-signed certificate holds.
    #[must_use]
    pub fn days(mut self, number: u32) -> Self {
        if let Source::SelfSigned { days, .. } = &mut self.source {
            *days = number;
        }
        self
    }

    /// Sets how many days before its end it is made anew; a given one fails from then on.
    #[must_use]
    pub fn renew_before(mut self, days: u32) -> Self {
        self.renew_before = Some(days);
        self
    }

    /// Sets the directory of both files.
    #[must_use]
    pub fn directory(mut self, path: impl Into<Location>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Sets the owner of both files.
    #[must_use]
    pub fn owner(mut self, name: impl Into<String>) -> Self {
        self.owner = Some(name.into());
        self
    }

    /// Sets the group of both files.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Sets the mode of the key; nobody but owner and group may be let in.
    #[must_use]
    pub fn key_mode(mut self, mode: impl IntoMode) -> Self {
        self.key_mode = mode.into_mode().map_err(|invalid| invalid.to_string());
        self
    }

    /// Removes certificate and key; what is set of their contents means nothing then.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The file of the certificate.
    ///
    /// # Panics
    /// The certificate was not added yet.
    #[track_caller]
    pub fn certificate_path(&self) -> &HostPath {
        &self.added().0
    }

    /// The file of the key.
    ///
    /// # Panics
    /// The certificate was not added yet.
    #[track_caller]
    pub fn key_path(&self) -> &HostPath {
        &self.added().1
    }

    #[track_caller]
    fn added(&self) -> &(HostPath, HostPath) {
        match &self.paths {
            Some(paths) => paths,
            None => panic!("`{}` has no paths before it is added", self.name),
        }
    }

    /// A file with the owner that was asked for.
    fn file(&self, path: &HostPath, mode: u32) -> File {
        let file = File::new(path).mode(mode);
        let file = match &self.owner {
            Some(owner) => file.owner(owner),
            None => file,
        };
        match &self.group {
            Some(group) => file.group(group),
            None => file,
        }
    }

    fn check(&self) -> Result<u32> {
        let is_name = |name: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.*:".contains(c);
            !name.is_empty() && !name.starts_with('-') && name.chars().all(plain)
        };
        demand!(
            is_name(&self.name),
            code::NOT_A_NAME,
            "`{}` is no name for a certificate",
            self.name
        );
        if let Source::SelfSigned { names, days } = &self.source {
            let odd = names.iter().find(|name| !is_name(name));
            demand!(
                odd.is_none(),
                code::NOT_A_NAME,
                "`{}` is no name of a host",
                odd.map_or("", String::as_str)
            );
            if *days <= self.renew_before.unwrap_or(RENEW_BEFORE) {
                return Err(fault!(
                    code::OPTIONS_CLASH,
                    "it would be made anew as soon as it was made"
                ))
                .hint("let it hold for more `.days(…)` than `.renew_before(…)`");
            }
        }
        let mode = self.key_mode.clone().map_err(|text| fault!(code::MODE_FORM, "{text}"))?;
        demand!(
            mode & 0o007 == 0,
            code::KEY_READABLE,
            "mode {mode:04o} would show the key to everybody"
        );
        Ok(mode)
    }
}

impl Component for Certificate {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let key_mode = self.check()?;
        let directory = match &self.directory {
            Some(directory) => directory.resolve(scope)?,
            None => scope.work_directory(),
        };
        let file = |kind: &str| directory.join(format!("{}.{kind}", self.name));
        let (certificate, key) = (file("crt"), file("key"));
        let (crt, private) = (self.file(&certificate, 0o644), self.file(&key, key_mode));
        match &self.source {
            _ if self.absent => {
                scope.add(private.absent());
                scope.add(crt.absent());
            }
            Source::SelfSigned { names, days } => {
                let (names, days) = (names.clone(), *days);
                let renew_before = self.renew_before.unwrap_or(RENEW_BEFORE);
                // What the two hold is made on the host; here they stand for mode and owner.
                let files = (crt.content(""), private.content(""));
                scope.add(SelfSigned::new(files, names, days, renew_before));
            }
            Source::Given { certificate, key } => {
                let files = (crt.content(certificate.clone()), private.content(key.clone()));
                scope.add(Given::new(files, self.renew_before.unwrap_or(0)));
            }
            Source::Files { certificate, key } => {
                let files = (crt.secret_file(certificate), private.secret_file(key));
                scope.add(Given::new(files, self.renew_before.unwrap_or(0)));
            }
        }
        self.paths = Some((certificate, key));
        Ok(())
    }
}
