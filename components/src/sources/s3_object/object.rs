//! Objects of a store, and how they are asked for.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use togusa_core::digest::Digest;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::file::Text;
use crate::sources::fetch::{Request, encoded};
use crate::sources::fetched::{Method, Origin};
use crate::sources::tools;

use super::refusal;
use super::signature::{Asked, Keys};

/// Which object is asked for, and how.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) version: Option<String>,
    pub(super) region: String,
    pub(super) endpoint: Option<String>,
    pub(super) bucket_in_host: bool,
    pub(super) keys: Given,
    pub(super) token: Option<Text>,
    pub(super) timeout: Option<Duration>,
    pub(super) retries: Option<u32>,
}

/// Whose keys are used.
#[derive(Debug)]
pub(super) enum Given {
    /// Those of the host, by a profile of its configuration.
    Own(Option<String>),
    Key(String, Text),
    Nobody,
}

/// What `aws` tells.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Exported {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

impl Object {
    pub(super) fn check(&self) -> Result {
        let name = |text: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            !text.is_empty() && !text.starts_with(['-', '.']) && text.bytes().all(plain)
        };
        demand!(
            name(&self.bucket),
            code::NOT_A_NAME,
            "`{}` is no name of a bucket",
            self.bucket.escape_debug()
        );
        demand!(
            name(&self.region),
            code::NOT_A_NAME,
            "`{}` is no name of a region",
            self.region.escape_debug()
        );
        // Programs take such parts out of the URL, which then is not what was signed.
        let steps = self.key.split('/').any(|part| part == "." || part == "..");
        demand!(
            !self.key.is_empty() && !steps,
            code::OPTION_VALUE,
            "the key `{}` of an object is empty or has a part `.` or `..`",
            self.key.escape_debug()
        );
        if let Some(endpoint) = &self.endpoint
            && split_endpoint(endpoint).is_none()
        {
            let error = fault!(
                code::ADDRESS_FORM,
                "`{}` is no address of a store",
                endpoint.escape_debug()
            );
            return Err(error)
                .hint("write `https://` or `http://`, and the host with its port, nothing else");
        }
        match &self.keys {
            Given::Key(id, secret) => {
                secret.check()?;
                let plain = |text: &str| {
                    !text.is_empty() && !text.contains(|c: char| c.is_control() || c == ' ')
                };
                demand!(
                    plain(id) && !id.contains('/') && plain(secret.as_str()?),
                    code::OPTION_VALUE,
                    "an access key and its secret are one word each"
                );
            }
            Given::Own(_) | Given::Nobody => demand!(
                self.token.is_none(),
                code::OPTIONS_CLASH,
                "a session token belongs to an access key, and none is given"
            ),
        }
        if let Some(token) = &self.token {
            token.check()?;
            let plain = !token.as_str()?.contains(char::is_control);
            demand!(plain, code::OPTION_VALUE, "a session token stands on one line");
        }
        Ok(())
    }

    /// The scheme, the host as programs name it, and the path, as they stand in the URL.
    fn address(&self) -> (&str, String, String) {
        let of_aws = || {
            let china = if self.region.starts_with("cn-") { ".cn" } else { "" };
            ("https", format!("s3.{}.amazonaws.com{china}", self.region))
        };
        let given = self.endpoint.as_deref().and_then(split_endpoint);
        let in_host = self.bucket_in_host || given.is_none() && !self.bucket.contains(['.', '_']);
        let (scheme, host) = given.unwrap_or_else(of_aws);
        let key = encoded(&self.key, true);
        if in_host {
            (scheme, format!("{}.{host}", self.bucket), format!("/{key}"))
        } else {
            (scheme, host, format!("/{}/{key}", self.bucket))
        }
    }

    fn keys(&self, probe: &Probe<'_>) -> Result<Option<Keys>> {
        let token = self.token.as_ref().map(|token| token.as_str().map(str::to_owned));
        match &self.keys {
            Given::Nobody => Ok(None),
            Given::Key(id, secret) => {
                let secret = secret.as_str()?.to_owned();
                Ok(Some(Keys { id: id.clone(), secret, token: token.transpose()? }))
            }
            Given::Own(profile) => own_keys(probe, profile.as_deref()).map(Some),
        }
    }
}

impl Origin for Object {
    fn shown(&self) -> String {
        let version = self.version.as_ref().map(|id| format!(" in version {id}"));
        format!("`s3://{}/{}`{}", self.bucket, self.key, version.unwrap_or_default())
    }

    fn digest(&self) -> Digest {
        let (scheme, host, path) = self.address();
        let version = self.version.as_deref().unwrap_or_default();
        Digest::of(format!("{scheme}://{host}{path}?{version}").as_bytes())
    }

    fn request(&self, probe: &Probe<'_>, method: Method) -> Result<Cow<'_, Request>> {
        let (scheme, host, path) = self.address();
        let query = self.version.as_ref().map(|id| format!("versionId={}", encoded(id, false)));
        let query = query.unwrap_or_default();
        let mark = if query.is_empty() { "" } else { "?" };
        let mut request = Request::new(format!("{scheme}://{host}{path}{mark}{query}").into());
        // A signature is for one host.
        request.redirects = false;
        request.timeout = self.timeout.unwrap_or(request.timeout);
        request.retries = self.retries.unwrap_or(request.retries);
        if let Some(keys) = self.keys(probe)? {
            let asked = Asked {
                method: method.as_str(),
                host: &host,
                path: &path,
                query: &query,
                region: &self.region,
            };
            let headers = asked.headers(&keys, SystemTime::now());
            request.headers =
                headers.into_iter().map(|(name, value)| (name, value.into())).collect();
            request.private = true;
        }
        Ok(Cow::Owned(request))
    }

    fn is_fixed(&self) -> bool {
        self.version.is_some()
    }

    fn explained(&self, probe: &Probe<'_>, error: anyhow::Error) -> anyhow::Error {
        refusal::explained(self, probe, error)
    }
}

/// The scheme and the host of an endpoint. The port that a scheme has anyway is not named, as programs
/// do not name it to servers.
fn split_endpoint(url: &str) -> Option<(&str, String)> {
    let (scheme, host) = url.split_once("://")?;
    let usual = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = host.strip_suffix('/').unwrap_or(host);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    if host.is_empty() || host.starts_with('-') || !host.bytes().all(plain) {
        return None;
    }
    let host = host.strip_suffix(usual).unwrap_or(host);
    Some((scheme, host.to_ascii_lowercase()))
}

/// The keys of the host itself.
fn own_keys(probe: &Probe<'_>, profile: Option<&str>) -> Result<Keys> {
    let mut aws = Exec::new("aws").args(["configure", "export-credentials", "--format", "process"]);
    if let Some(profile) = profile {
        aws = aws.args(["--profile", profile]);
    }
    let hint = "give an access key by `.access_key(…)`, or none by `.anonymous()`; else install \
                version 2 of `aws` on the host, and give the host a role or `~/.aws/credentials`";
    let told = match probe.query(&aws.timeout(Duration::from_secs(60))) {
        Ok(output) => output.stdout,
        Err(error) => {
            let said = match tools::failure(&error) {
                Some(failure) => failure.stderr_tail.lines().last().unwrap_or_default().to_owned(),
                None if tools::is_missing(&error) => "it has no `aws`".to_owned(),
                None => return Err(error),
            };
            let error = fault!(code::NO_CREDENTIALS, "the host has no keys for the store: {said}");
            return Err(error).hint(hint);
        }
    };
    let exported: Exported = serde_json::from_slice(&told)
        .map_err(|_| fault!(code::NO_CREDENTIALS, "`aws` does not tell the keys of the host"))
        .hint(hint)?;
    let Exported { access_key_id: id, secret_access_key: secret, session_token: token } = exported;
    Ok(Keys { id, secret, token })
}

#[cfg(test)]
mod tests {
    use crate::sources::S3Object;

    fn address(object: S3Object) -> String {
        let (scheme, host, path) = object.object.address();
        format!("{scheme}://{host}{path}")
    }

    #[test]
    fn buckets_of_aws_have_a_host_and_those_of_others_a_path() {
        let object = |bucket: &str| S3Object::new(bucket, "a b/c", "f");
        for (object, expected) in [
            (object("x"), "https://x.s3.us-east-1.amazonaws.com/a%20b/c"),
            (object("x.y").region("eu-west-1"), "https://s3.eu-west-1.amazonaws.com/x.y/a%20b/c"),
            (object("x").region("cn-north-1"), "https://x.s3.cn-north-1.amazonaws.com.cn/a%20b/c"),
            (object("x").endpoint("http://H:80/"), "http://h/x/a%20b/c"),
            (object("x").endpoint("https://[::1]:9000"), "https://[::1]:9000/x/a%20b/c"),
            (object("x").endpoint("https://h:443").bucket_in_host(), "https://x.h/a%20b/c"),
        ] {
            assert!(object.object.check().is_ok());
            assert_eq!(address(object), expected);
        }
    }

    #[test]
    fn what_cannot_be_an_object_is_refused() {
        let object = || S3Object::new("b", "k", "f");
        for (object, expected) in [
            (S3Object::new("a/b", "k", "f"), "`a/b` is no name of a bucket"),
            (S3Object::new("", "k", "f"), "`` is no name of a bucket"),
            (S3Object::new("b", "a/../k", "f"), "the key `a/../k` of an object is empty or"),
            (object().region("a b"), "`a b` is no name of a region"),
            (object().endpoint("store:9000"), "`store:9000` is no address of a store"),
            (object().endpoint("https://u:p@h"), "is no address of a store"),
            (object().endpoint("https://h/path"), "is no address of a store"),
            (object().access_key("a/b", "c"), "an access key and its secret are one word each"),
            (object().access_key("a", "b\nc"), "an access key and its secret are one word each"),
            (object().session_token("t"), "a session token belongs to an access key"),
            (object().access_key("a", "b").session_token("a\nb"), "stands on one line"),
        ] {
            let error = object.object.check().unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
    }
}
