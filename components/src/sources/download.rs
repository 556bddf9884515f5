//! Files from a URL.

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::digest::Digest;
use togusa_core::prelude::*;

use crate::file::Text;
use crate::location::Location;
use crate::mode::IntoMode;

use super::fetch::{Request, shown};
use super::fetched::{FetchedFile, Method, Origin};

/// A file from a URL.
///
/// A checksum is needed, or has to be waived: [`sha256`](Self::sha256) or
/// [`without_checksum`](Self::without_checksum).
///
/// | attribute | default |
/// |---|---|
/// | `sha256` | none: it has to be given or waived |
/// | `header` | none |
/// | `basic_auth` | none |
/// | `timeout` | an hour for the whole; 30 s to connect, and 60 s without a byte, end it sooner |
/// | `retries` | 3 after an error that may pass |
/// | `mode`, `owner`, `group` | as for `File`: left as they are; of a new file what the umask gives |
/// | `leading_directories` | no; yes for what a sandbox maps |
///
/// With a checksum `verify` reads the file and needs no network. Without one it asks the server for
/// `ETag` and `Last-Modified`, and compares these and the file with what they were at the last
/// download; a server that gives neither is not asked again as long as the file is as it was.
/// [`absent`](Self::absent) removes the file, and asks nobody.
///
/// `update` fetches beside the file and puts it in its place in one moment, once its checksum is
/// right. A download that broke is resumed by the next try and by the next run, if there is a checksum
/// to tell that it became the right file.
///
/// It needs `curl`, or else `wget` of GNU, on the host, and the right to write into the directory;
/// another owner needs root. URL, headers and password reach them by standard input and private
/// files, never on a command line. Redirects are followed, and headers sent along; a password and a
/// header `Authorization` stay with the host that they are for. Only curl can do that, so that with
/// wget a download that has one of them takes no redirect.
///
/// **Needs**: `curl`, else `wget`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
///     let tool = Download::new("https://example.org/tool", "/usr/local/bin/tool");
///     scope.add(tool.sha256(sum).mode(0o755));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Download {
    file: FetchedFile,
    request: Request,
}

impl Download {
    /// A file from a URL at a path; a relative one lies in the root's work directory.
    pub fn new(url: impl Into<Text>, path: impl Into<Location>) -> Self {
        Self { file: FetchedFile::new(path.into()), request: Request::new(url.into()) }
    }

    /// Sets the SHA-256 checksum that the file has: 64 hexadecimal digits, also after `sha256:`.
    #[must_use]
    pub fn sha256(mut self, sum: impl Into<String>) -> Self {
        self.file.set_sum(sum);
        self
    }

    /// Takes what the server gives.
    #[must_use]
    pub fn without_checksum(mut self) -> Self {
        self.file.waive_sum();
        self
    }

    /// Sends a header; its value may be a secret. May be given several times.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Text>) -> Self {
        self.request.headers.push((name.into(), value.into()));
        self
    }

    /// Sends a user's name and password.
    #[must_use]
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<Text>) -> Self {
        self.request.auth = Some((user.into(), password.into()));
        self
    }

    /// Sets how long the whole download may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request.timeout = timeout;
        self
    }

    /// Sets how often it is tried again after an error that may pass.
    #[must_use]
    pub fn retries(mut self, count: u32) -> Self {
        self.request.retries = count;
        self
    }

    /// Sets the mode: `0o644`, `"644"` or `"rw-r--r--"`.
    #[must_use]
    pub fn mode(mut self, mode: impl IntoMode) -> Self {
        self.file.access.set_mode(mode);
        self
    }

    /// Sets the owner, by name or number.
    #[must_use]
    pub fn owner(mut self, name: impl Into<String>) -> Self {
        self.file.access.set_owner(name);
        self
    }

    /// Sets the group, by name or number.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.file.access.set_group(name);
        self
    }

    /// Creates the directories above that are missing; without it they are an error.
    #[must_use]
    pub fn leading_directories(mut self) -> Self {
        self.file.place.with_leading();
        self
    }

    /// Removes the file; then no checksum is needed.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.file.set_absent();
        self
    }

    /// The path of the file on the host.
    ///
    /// # Panics
    /// The download was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        self.file.path()
    }
}

impl Origin for Request {
    fn shown(&self) -> String {
        shown(&self.url)
    }

    fn digest(&self) -> Digest {
        Self::digest(self)
    }

    fn request(&self, _probe: &Probe<'_>, _method: Method) -> Result<Cow<'_, Request>> {
        Ok(Cow::Borrowed(self))
    }
}

impl Component for Download {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.file.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.request.check()?;
        self.file.configure("download", scope)
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.file.verify(probe, &self.request)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.file.update(machine, &self.request)
    }
}
