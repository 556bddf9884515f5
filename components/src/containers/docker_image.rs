//! Images.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use togusa_core::fault;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::docker::{ask, docker, lines, run};
use super::reference::{Reference, Version};
use crate::location::Location;

/// An image of Docker that is there, by a tag or by a digest.
///
/// | attribute | default |
/// |---|---|
/// | `archive` | none: it is pulled; else it is loaded from a file of the host that `docker save` wrote |
/// | `absent` | no; else the name is taken from it, and with its last name the image goes |
///
/// An image by a digest is always the same one: `nginx@sha256:…`. A tag is pulled if the host does not
/// have it, and then stays what it was: that somebody moved it in the registry is not seen. Whoever
/// wants a newer one gives another tag or digest. With both, `nginx:1.27@sha256:…`, the digest counts.
///
/// `verify` lists all images of the host by one `docker image ls`. `update` pulls, loads or removes.
/// A registry that wants a password is logged in to by `docker login`, as the converging user.
///
/// **Needs**: `docker` and its daemon; root, or membership in the group `docker`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(DockerImage::new("nginx:1.27"));
///     let app = scope.add(File::new("app.tar").source("app.tar").binary());
///     scope.add(DockerImage::new("app:v3").archive(app.path()));
///     scope.add(DockerImage::new("app:v2").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct DockerImage {
    name: String,
    archive: Option<Location>,
    path: Option<HostPath>,
    absent: bool,
}

/// All images of the host by their names: tags and digests.
pub(super) struct Images(BTreeMap<Reference, String>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(rename = "ID")]
    id: String,
    repository: String,
    tag: String,
    digest: String,
}

impl Snapshot for Images {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let list = ["image", "ls", "--digests", "--no-trunc", "--format", "{{json .}}"];
        let mut images = BTreeMap::new();
        for image in lines::<Listed>(&ask(probe, &docker(list))?)? {
            let repository = image.repository;
            let tag = Some(image.tag).map(|tag| format!("{repository}:{tag}"));
            let digest = Some(image.digest).map(|digest| format!("{repository}@{digest}"));
            // What it lacks is told as `<none>`, which is no name.
            for name in [tag, digest].into_iter().flatten() {
                images.extend(Reference::parse(&name).map(|name| (name, image.id.clone())));
            }
        }
        Ok(Self(images))
    }
}

impl Images {
    /// The id of the image of this name.
    pub(super) fn id(&self, reference: &Reference) -> Option<&str> {
        self.0.get(reference).map(String::as_str)
    }
}

impl DockerImage {
    /// An image by its name, with a tag (`latest` if there is none) or a digest.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), archive: None, path: None, absent: false }
    }

    /// Its name, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Loads it from a file of the host, which must hold an image of this name.
    #[must_use]
    pub fn archive(mut self, path: impl Into<Location>) -> Self {
        self.archive = Some(path.into());
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }
}

impl Component for DockerImage {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let reference = Reference::checked(&self.name)?;
        if let Some(archive) = &self.archive {
            if matches!(reference.version, Version::Digest(_)) {
                let hint = "give it the tag that the image has in the file";
                return Err(fault!(code::OPTIONS_CLASH, "an archive tells no digest")).hint(hint);
            }
            self.path = Some(archive.resolve(scope)?);
        }
        scope.manages("docker-image", reference.to_string());
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let images = probe.snapshot::<Images>()?;
        let there = images.id(&Reference::checked(&self.name)?).is_some();
        Ok(match (there, self.absent) {
            (true, true) => Verdict::stale(Change::remove("image")),
            (false, false) => Verdict::stale(Change::create("image")),
            _ => Verdict::current(),
        })
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let reference = Reference::checked(&self.name)?;
        let name = reference.to_string();
        machine.invalidate::<Images>();
        if self.absent {
            run(machine, &docker(["image", "rm", &name]))?;
            return Ok(());
        }
        let Some(archive) = &self.path else {
            run(machine, &docker(["image", "pull", "--quiet", &name]))?;
            return Ok(());
        };
        let local = machine.local(archive).to_string_lossy().into_owned();
        let loaded = run(machine, &docker(["image", "load", "--input", &local]))?;
        if machine.snapshot::<Images>()?.id(&reference).is_none() {
            let said = loaded.stdout_text();
            return Err(fault!(code::NO_IMAGE, "`{local}` holds no image `{name}`"))
                .hint(format!("docker said: {}", said.trim().replace('\n', "; ")));
        }
        machine.invalidate::<Images>();
        Ok(())
    }
}
