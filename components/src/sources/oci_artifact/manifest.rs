//! What an artifact consists of.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use togusa_core::digest::Digest;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

/// What a registry may send as a manifest.
pub(super) const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// Stands for nothing, where there has to be a layer.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const TITLE: &str = "org.opencontainers.image.title";
/// Of `oras`: the layer is a directory, packed.
const PACKED: &str = "io.deis.oras.content.unpack";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
    #[serde(default)]
    manifests: Option<Vec<OfPlatform>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// An entry of a list for several platforms.
#[derive(Debug, Deserialize)]
struct OfPlatform {
    digest: String,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Debug, Deserialize)]
struct Platform {
    os: String,
    architecture: String,
}

/// What is laid down of an artifact.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// All that has a title, in a directory.
    Titled,
    /// One layer, as a file; by its title if there are several.
    One(Option<String>),
}

/// One file of it.
#[derive(Debug, PartialEq)]
pub(super) struct Item {
    /// Below the directory; empty for the file itself.
    pub(super) path: String,
    pub(super) digest: Digest,
}

impl Manifest {
    pub(super) fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| fault!(code::ARTIFACT_CONTENT, "its manifest cannot be read: {error}"))
    }

    /// The files that are wanted.
    pub(super) fn items(&self, wanted: &Wanted) -> Result<Vec<Item>> {
        if let Some(manifests) = &self.manifests {
            let of = |it: &OfPlatform| match &it.platform {
                Some(platform) => {
                    format!("{} for {}/{}", it.digest, platform.os, platform.architecture)
                }
                None => it.digest.clone(),
            };
            let all: Vec<_> = manifests.iter().map(of).collect();
            let error = fault!(code::ARTIFACT_INDEX, "the digest is that of a list of artifacts");
            return Err(error).hint(format!("name one of them: {}", all.join(", ")));
        }
        let layers: Vec<_> = self.layers.iter().filter(|layer| layer.media_type != EMPTY).collect();
        let titles: Vec<_> = layers.iter().filter_map(|layer| layer.title()).collect();
        let listed = if titles.is_empty() { "none".to_owned() } else { titles.join(", ") };
        match wanted {
            Wanted::One(title) => {
                let fits: Vec<_> = match title {
                    Some(title) => {
                        let fits = |layer: &&&Layer| layer.title() == Some(title.as_str());
                        layers.iter().filter(fits).collect()
                    }
                    None => layers.iter().collect(),
                };
                let [layer] = fits[..] else {
                    let error = fault!(code::ARTIFACT_CONTENT, "{} of its layers fit", fits.len());
                    return Err(error).hint(format!(
                        "say by `.layer(\"…\")` which one is the file; titles are: {listed}"
                    ));
                };
                Ok(vec![Item { path: String::new(), digest: layer.digest()? }])
            }
            Wanted::Titled => {
                if titles.is_empty() {
                    let error = fault!(code::ARTIFACT_CONTENT, "none of its layers has a title");
                    return Err(error).hint(
                        "take one layer by `OciArtifact::file(…)`; an image of a container is for a \
                         container engine",
                    );
                }
                let titled = layers.iter().filter(|layer| layer.title().is_some());
                let items: Vec<_> = titled.map(|layer| layer.item()).collect::<Result<_>>()?;
                let mut seen = BTreeSet::new();
                for item in &items {
                    demand!(
                        seen.insert(&item.path),
                        code::ARTIFACT_CONTENT,
                        "two of its layers have the title `{}`",
                        item.path
                    );
                }
                Ok(items)
            }
        }
    }
}

impl Layer {
    fn title(&self) -> Option<&str> {
        self.annotations.get(TITLE).map(String::as_str)
    }

    fn digest(&self) -> Result<Digest> {
        let digits = self.digest.strip_prefix("sha256:").unwrap_or_default();
        digits.parse().map_err(|_| {
            fault!(
                code::ARTIFACT_CONTENT,
                "a layer has the digest `{}`, and only SHA-256 is known",
                self.digest.escape_debug()
            )
        })
    }

    /// The file that the title names.
    fn item(&self) -> Result<Item> {
        let title = self.title().unwrap_or_default();
        let path = title.strip_prefix("./").unwrap_or(title);
        let inside = |part: &str| !part.is_empty() && part != "." && part != "..";
        demand!(
            path.split('/').all(inside)
                && !path.contains(char::is_control)
                && path.split('/').next() != Some(".togusa"),
            code::ARTIFACT_CONTENT,
            "a layer has the title `{}`, which leads out of the directory, or into what is kept there",
            title.escape_debug()
        );
        let packed = self.annotations.get(PACKED).is_some_and(|packed| packed == "true");
        let path = if packed { format!("{path}.tar.gz") } else { path.to_owned() };
        Ok(Item { path, digest: self.digest()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(title: &str, number: u8) -> String {
        let title = match title {
            "" => "{}".to_owned(),
            title => format!("{{\"{TITLE}\": \"{title}\"}}"),
        };
        let digest = format!("{number:064x}");
        format!(
            "{{\"mediaType\": \"x\", \"digest\": \"sha256:{digest}\", \"size\": 1, \
             \"annotations\": {title}}}"
        )
    }

    fn items(layers: &[String], wanted: &Wanted) -> Result<Vec<String>> {
        let text = format!("{{\"schemaVersion\": 2, \"layers\": [{}]}}", layers.join(","));
        let items = Manifest::read(&text)?.items(wanted)?;
        Ok(items.into_iter().map(|item| item.path).collect())
    }

    #[test]
    fn titles_become_files_and_one_layer_a_file() {
        let layers = [layer("a", 1), layer("./b/c", 2), layer("", 3)];
        assert_eq!(items(&layers, &Wanted::Titled).unwrap(), ["a", "b/c"]);
        assert_eq!(items(&layers, &Wanted::One(Some("a".into()))).unwrap(), [""]);
        assert_eq!(items(&layers[2..], &Wanted::One(None)).unwrap(), [""]);
        let empty = format!("{{\"mediaType\": \"{EMPTY}\", \"digest\": \"x\"}}");
        assert_eq!(items(&[empty, layer("", 1)], &Wanted::One(None)).unwrap(), [""]);
        let packed =
            layer("d", 1).replace("{\"org", "{\"io.deis.oras.content.unpack\": \"true\", \"org");
        assert_eq!(items(&[packed], &Wanted::Titled).unwrap(), ["d.tar.gz"]);
    }

    #[test]
    fn what_cannot_be_laid_down_is_an_error() {
        let two = [layer("a", 1), layer("b", 2)];
        for (layers, wanted, says) in [
            (&two[..], Wanted::One(None), "2 of its layers fit"),
            (&two[..], Wanted::One(Some("c".into())), "0 of its layers fit"),
            (&[layer("", 1)][..], Wanted::Titled, "none of its layers has a title"),
            (&[][..], Wanted::Titled, "none of its layers has a title"),
            (&[layer("../x", 1)][..], Wanted::Titled, "leads out of the directory"),
            (&[layer("/x", 1)][..], Wanted::Titled, "leads out of the directory"),
            (&[layer("a", 1), layer("./a", 2)][..], Wanted::Titled, "have the title `a`"),
            (&[layer("a", 1).replace("sha256", "sha512")][..], Wanted::Titled, "only SHA-256"),
        ] {
            let error = format!("{:?}", items(layers, &wanted).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
        let index = "{\"manifests\": [{\"digest\": \"sha256:1\", \"platform\": {\"os\": \"linux\", \
                     \"architecture\": \"amd64\"}}, {\"digest\": \"sha256:2\"}]}";
        let error = Manifest::read(index).unwrap().items(&Wanted::Titled).unwrap_err();
        let error = format!("{error:?}");
        assert!(error.contains("name one of them: sha256:1 for linux/amd64, sha256:2"), "{error}");
        assert!(Manifest::read("<html>").is_err());
    }
}
