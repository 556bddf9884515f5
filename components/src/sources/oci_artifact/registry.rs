//! How registries are asked.

use std::borrow::Cow;
use std::cell::RefCell;
use std::time::Duration;

use serde::Deserialize;
use togusa_core::digest::Digest;
use togusa_core::host::ExecError;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use crate::file::Text;
use crate::sources::fetch::{Answer, Request, encoded, fetch_exactly};
use crate::sources::memory::Memory;
use crate::sources::tools;

use super::Asking;
use super::manifest::MEDIA_TYPES;
use super::reference::Reference;

/// A registry, while an artifact is fetched from it.
pub(super) struct Registry<'a> {
    machine: &'a Machine<'a>,
    reference: &'a Reference,
    asking: &'a Asking,
    /// What it wants to be told with each request.
    shown: RefCell<Shown>,
}

/// What shows who asks.
#[derive(Clone, Default)]
enum Shown {
    #[default]
    Nothing,
    Password,
    Token(String),
}

/// What a server of tokens gives; it may use one name or the other.
#[derive(Deserialize)]
struct Given {
    token: Option<String>,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Refusals {
    errors: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
    #[serde(default)]
    message: String,
}

/// How a registry wants to be told who asks.
#[derive(Debug, PartialEq)]
enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl<'a> Registry<'a> {
    pub(super) fn new(
        machine: &'a Machine<'a>,
        reference: &'a Reference,
        asking: &'a Asking,
    ) -> Self {
        Self { machine, reference, asking, shown: RefCell::default() }
    }

    /// The manifest, which has the digest that was asked for.
    pub(super) fn manifest(&self) -> Result<String> {
        let digest = self.reference.digest;
        let path = format!("manifests/sha256:{digest}");
        *self.shown.borrow_mut() = Shown::Nothing;
        let mut answer = self.ask(&self.request(&path)?)?;
        if answer.status == 401 {
            let shown = self.log_in(&answer)?;
            *self.shown.borrow_mut() = shown;
            answer = self.ask(&self.request(&path)?)?;
        }
        let said = Refusals::read(&answer);
        let Reference { registry, .. } = self.reference;
        match answer.status {
            200 => {}
            401 | 403 => {
                let said = said.unwrap_or_else(|| format!("it answers {}", answer.status));
                let error = fault!(code::REGISTRY_LOGIN, "the registry refuses to give it: {said}");
                return Err(error).hint(match self.asking.login {
                    None => "give it a user and a password by `.login(…)`",
                    Some(_) => "look at user and password, and at what the user may read",
                });
            }
            404 if said.is_some() => {
                let error = fault!(code::NO_ARTIFACT, "the registry has no `{}`", self.reference);
                return Err(error).hint(
                    "look at name and digest; registries say this of what the user may not read, too",
                );
            }
            404 => return Err(no_registry(registry, "it answers 404")),
            status => {
                let said = said.unwrap_or_default();
                fail!(code::NO_ANSWER_OF_USE, "the registry answers {status}: {said}");
            }
        }
        let found = Digest::of(&answer.body);
        let text = String::from_utf8(answer.body).unwrap_or_default();
        if found != digest {
            if !text.trim_start().starts_with('{') {
                return Err(no_registry(registry, "it answers something else than a manifest"));
            }
            fail!(code::CHECKSUM_DIFFERS, "the manifest has the digest sha256:{found}");
        }
        Ok(text)
    }

    /// Fetches what a layer holds into a private file.
    pub(super) fn fetch(&self, digest: Digest, memory: &Memory, partial: &HostPath) -> Result {
        let path = format!("blobs/sha256:{digest}");
        let fetch = || {
            let request = || self.request(&path).map(Cow::Owned);
            fetch_exactly(self.machine, request, memory, partial, digest).map(|_| ())
        };
        match fetch() {
            Err(error) if is_refused(&error) => {
                // A token holds for some minutes, and other layers may have taken longer.
                self.manifest()?;
                fetch()
            }
            fetched => fetched,
        }
        .with_context(|| format!("cannot fetch the layer sha256:{}", digest.short()))
    }

    fn request(&self, path: &str) -> Result<Request> {
        let Asking { plain_http, login, timeout, retries } = self.asking;
        let url = format!("{}/{path}", self.reference.address(*plain_http));
        let mut request = Request::new(url.into());
        request.timeout = timeout.unwrap_or(request.timeout);
        request.retries = retries.unwrap_or(request.retries);
        if path.starts_with("manifests/") {
            request.headers.push(("Accept".into(), MEDIA_TYPES.join(", ").into()));
        }
        match (&*self.shown.borrow(), login) {
            (Shown::Nothing, _) | (Shown::Password, None) => {}
            (Shown::Password, Some(_)) => request.auth.clone_from(login),
            (Shown::Token(token), _) => {
                let bearer = Secret::new(format!("Bearer {token}"));
                request.headers.push(("Authorization".into(), Text::from(bearer)));
            }
        }
        Ok(request)
    }

    /// Asks for something small, again if the server has no time.
    fn ask(&self, request: &Request) -> Result<Answer> {
        let mut wait = Duration::from_secs(1);
        for _ in 0..request.retries {
            let answer = self.once(request)?;
            if !matches!(answer.status, 408 | 429 | 500 | 502..=504) {
                return Ok(answer);
            }
            self.machine.pause(wait)?;
            wait *= 2;
        }
        self.once(request)
    }

    fn once(&self, request: &Request) -> Result<Answer> {
        let answer = request.answer(self.machine);
        // Of curl: what answers does not speak TLS.
        let plain = |error: &anyhow::Error| {
            tools::failure(error).is_some_and(|failure| failure.code == Some(35))
        };
        match answer {
            Err(error) if !self.asking.plain_http && plain(&error) => {
                Err(error).hint("a registry without TLS has to be named so: `.plain_http()`")
            }
            answer => answer,
        }
    }

    /// Finds out what the registry wants to be shown.
    fn log_in(&self, answer: &Answer) -> Result<Shown> {
        let headers = answer.headers().filter(|(name, _)| *name == "www-authenticate");
        let challenges: Vec<_> = headers.filter_map(|(_, text)| Challenge::parse(text)).collect();
        let bearer = challenges.iter().find_map(|challenge| match challenge {
            Challenge::Bearer { realm, service, scope } => Some((realm, service, scope)),
            Challenge::Basic => None,
        });
        if let Some((realm, service, scope)) = bearer {
            return self.token(realm, service.as_deref(), scope.as_deref());
        }
        if challenges.is_empty() {
            return Err(no_registry(
                &self.reference.registry,
                "it answers 401 and not how to log in",
            ));
        }
        if self.asking.login.is_none() {
            let error = fault!(code::REGISTRY_LOGIN, "the registry wants to know who asks");
            return Err(error).hint("give it a user and a password by `.login(…)`");
        }
        Ok(Shown::Password)
    }

    /// Gets a token from the server that the registry names.
    fn token(&self, realm: &str, service: Option<&str>, scope: Option<&str>) -> Result<Shown> {
        let safe =
            realm.starts_with("https://") || self.asking.plain_http && realm.starts_with("http://");
        demand!(
            safe && !realm.contains(char::is_control),
            code::REGISTRY_LOGIN,
            "the registry wants the login at `{}`, which is no address of https",
            realm.escape_debug()
        );
        let usual = format!("repository:{}:pull", self.reference.name);
        let scope = scope.unwrap_or(&usual);
        let mark = if realm.contains('?') { '&' } else { '?' };
        let mut url = format!("{realm}{mark}scope={}", encoded(scope, false));
        if let Some(service) = service {
            url.push_str(&format!("&service={}", encoded(service, false)));
        }
        let mut request = Request::new(url.into());
        request.auth.clone_from(&self.asking.login);
        let answer = self.ask(&request).context("cannot get a token for the registry")?;
        if answer.status != 200 {
            let said = Refusals::read(&answer).unwrap_or_default();
            let error = fault!(
                code::REGISTRY_LOGIN,
                "the registry gives no token: `{realm}` answers {} {said}",
                answer.status
            );
            return Err(error).hint("look at user and password of `.login(…)`");
        }
        let given: Option<Given> = serde_json::from_slice(&answer.body).ok();
        let token = given.and_then(|given| given.token.or(given.access_token));
        match token.filter(|token| !token.contains(char::is_control)) {
            Some(token) => Ok(Shown::Token(token)),
            None => Err(no_registry(&self.reference.registry, "there is no token in the answer")),
        }
    }
}

impl Refusals {
    /// What a registry says of why not, in one line.
    fn read(answer: &Answer) -> Option<String> {
        let refusals: Self = serde_json::from_slice(&answer.body).ok()?;
        let said = refusals.errors.iter().map(|Refusal { code, message }| {
            if message.is_empty() { code.clone() } else { format!("{code}: {message}") }
        });
        Some(said.collect::<Vec<_>>().join("; "))
    }
}

impl Challenge {
    /// Reads `Bearer realm="…",service="…"`.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, mut rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        scheme.eq_ignore_ascii_case("bearer").then_some(())?;
        let (mut realm, mut service, mut scope) = (None, None, None);
        while let Some((name, quoted)) = rest.split_once("=\"") {
            let (value, after) = quoted.split_once('"')?;
            match name.trim_matches([',', ' ']).to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value.to_owned()),
                "service" => service = Some(value.to_owned()),
                "scope" => scope = Some(value.to_owned()),
                _ => {}
            }
            rest = after;
        }
        Some(Self::Bearer { realm: realm?, service, scope })
    }
}

fn no_registry(registry: &str, what: &str) -> anyhow::Error {
    let error = || fault!(code::NO_REGISTRY, "`{registry}` is no registry: {what}");
    match Err::<(), _>(error()).hint("look at the host and its port, and at what stands before it")
    {
        Err(error) => error,
        Ok(()) => error(),
    }
}

/// Whether curl was told to show who asks.
fn is_refused(error: &anyhow::Error) -> bool {
    let Some(ExecError::Failed { failure, .. }) = error.downcast_ref() else { return false };
    failure.code == Some(22) && failure.stderr_tail.contains("401")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_says_how_to_log_in() {
        // Of docker-registry 2.8.2.
        let text =
            "Bearer realm=\"http://h/token\",service=\"a b\",scope=\"repository:x:pull,push\"";
        let bearer = Challenge::Bearer {
            realm: "http://h/token".into(),
            service: Some("a b".into()),
            scope: Some("repository:x:pull,push".into()),
        };
        assert_eq!(Challenge::parse(text), Some(bearer));
        assert_eq!(Challenge::parse("Basic realm=\"basic-realm\""), Some(Challenge::Basic));
        for text in ["Negotiate", "Bearer", "Bearer realm=\"x", "Bearer service=\"x\""] {
            assert_eq!(Challenge::parse(text), None, "{text}");
        }
    }
}
