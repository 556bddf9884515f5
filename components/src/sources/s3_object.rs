//! Files from a bucket of S3, or of a store that speaks as S3 does.

mod object;
mod refusal;
mod signature;

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::prelude::*;

use crate::file::Text;
use crate::location::Location;
use crate::mode::IntoMode;

use super::fetched::FetchedFile;
use object::{Given, Object};

/// A file from a bucket of Amazon S3, or of a store that speaks as S3 does: MinIO, Ceph, Garage, R2 and
/// others.
///
/// A checksum is needed, or has to be waived: [`sha256`](Self::sha256) or
/// [`without_checksum`](Self::without_checksum).
///
/// | attribute | default |
/// |---|---|
/// | `sha256` | none: it has to be given or waived |
/// | `version` | the newest one |
/// | `region` | `us-east-1` |
/// | `endpoint` | that of AWS for the region |
/// | `bucket_in_host` | yes with AWS, unless the name has a `.`; no with another endpoint, where it stands in the path |
/// | `access_key`, `session_token` | what `aws configure export-credentials` gives on the host |
/// | `profile` | the one that `aws` takes by itself |
/// | `anonymous` | no; yes for a bucket that everybody may read |
/// | `timeout` | an hour for the whole; 30 s to connect, and 60 s without a byte, end it sooner |
/// | `retries` | 3 after an error that may pass |
/// | `mode`, `owner`, `group` | as for `File`: left as they are; of a new file what the umask gives |
/// | `leading_directories` | no; yes for what a sandbox maps |
///
/// With a checksum `verify` reads the file and needs no network and no keys. Without one it asks the
/// store for `ETag` and `Last-Modified`, and compares these and the file with what they were at the last
/// download; a given version is not asked for again. [`absent`](Self::absent) removes the file, and asks
/// nobody.
///
/// `update` fetches as `Download` does: beside the file, which is replaced in one moment once the
/// checksum is right, and going on where a former download broke.
///
/// Each request is signed by this program itself (version 4 of AWS), so that it works with every version
/// of `curl`, and with `wget`. The secret key never leaves the process; the signature, which holds for a
/// quarter of an hour, and a session token reach the program by standard input or a private file. The
/// clock of the host has to be right.
///
/// Without keys the host's own are taken, those of its configuration or of the role of its instance:
/// version 2 of `aws`, which knows all ways to them, is asked right before a request. Keys of the
/// environment serve many hosts; roles need no secret at all.
///
/// What it asks was tried with a server that verifies signatures with the code of AWS, and against the
/// examples of AWS itself; what `aws` answers was recorded from version 2.9.19.
///
/// **Needs**: `curl`, else `wget`; `aws` for the host's own keys.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// #[derive(Debug)]
/// struct Tool {
///     secret_key: Secret,
/// }
///
/// impl Component for Tool {
///     fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
///         let sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
///         let tool = S3Object::new("releases", "tool/1.2/tool", "/usr/local/bin/tool").sha256(sum);
///         let tool = tool.endpoint("https://store.example.org:9000").mode(0o755);
///         scope.add(tool.access_key("deploy", &self.secret_key));
///         // Of AWS, with the role of the instance.
///         let data = S3Object::new("example-data", "data.bin", "data.bin").region("eu-central-1");
///         scope.add(data.without_checksum());
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug)]
pub struct S3Object {
    file: FetchedFile,
    object: Object,
}

impl S3Object {
    /// An object of a bucket at a path; a relative one lies in the root's work directory.
    pub fn new(
        bucket: impl Into<String>,
        key: impl Into<String>,
        path: impl Into<Location>,
    ) -> Self {
        Self {
            file: FetchedFile::new(path.into()),
            object: Object {
                bucket: bucket.into(),
                key: key.into(),
                version: None,
                region: "us-east-1".into(),
                endpoint: None,
                bucket_in_host: false,
                keys: Given::Own(None),
                token: None,
                timeout: None,
                retries: None,
            },
        }
    }

    /// Sets the SHA-256 checksum that the file has: 64 hexadecimal digits, also after `sha256:`.
    #[must_use]
    pub fn sha256(mut self, sum: impl Into<String>) -> Self {
        self.file.set_sum(sum);
        self
    }

    /// Takes what the store gives.
    #[must_use]
    pub fn without_checksum(mut self) -> Self {
        self.file.waive_sum();
        self
    }

    /// Takes that version of the object, by its id in the bucket.
    #[must_use]
    pub fn version(mut self, id: impl Into<String>) -> Self {
        self.object.version = Some(id.into());
        self
    }

    /// Sets the region of the bucket.
    #[must_use]
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.object.region = name.into();
        self
    }

    /// Sets the address of another store than AWS: `https://store.example.org:9000`.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.object.endpoint = Some(url.into());
        self
    }

    /// Asks the host `BUCKET.ENDPOINT`, for a store that wants it so.
    #[must_use]
    pub fn bucket_in_host(mut self) -> Self {
        self.object.bucket_in_host = true;
        self
    }

    /// Asks with this access key and its secret.
    #[must_use]
    pub fn access_key(mut self, id: impl Into<String>, secret: impl Into<Text>) -> Self {
        self.object.keys = Given::Key(id.into(), secret.into());
        self
    }

    /// Adds the token that belongs to an access key which holds for a while.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<Text>) -> Self {
        self.object.token = Some(token.into());
        self
    }

    /// Asks with the keys of a profile that `aws` knows on the host.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.object.keys = Given::Own(Some(name.into()));
        self
    }

    /// Asks without saying who.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        self.object.keys = Given::Nobody;
        self
    }

    /// Sets how long the whole download may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.object.timeout = Some(timeout);
        self
    }

    /// Sets how often it is tried again after an error that may pass.
    #[must_use]
    pub fn retries(mut self, count: u32) -> Self {
        self.object.retries = Some(count);
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
    /// The object was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        self.file.path()
    }
}

impl Component for S3Object {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.file.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.object.check()?;
        self.file.configure("object", scope)
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.file.verify(probe, &self.object)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.file.update(machine, &self.object)
    }
}
