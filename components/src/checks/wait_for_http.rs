//! Waiting for an answer on the web.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::file::Text;
use crate::foreign;
use crate::waiting::{Seen, seconds, wait};

use super::http::{self, Answer, Url};
use super::target::resolve;
use super::wait_for_port::reason;

/// How much of an answer an error shows, in characters.
const SHOWN: usize = 200;

/// An address on the web answers as it should.
///
/// After a component that starts something it waits until that answers. By itself it is a check:
/// `verify` of the whole deployment reports what does not answer as it should.
///
/// | attribute | default |
/// |---|---|
/// | `status` | 200; several are allowed |
/// | `contains` | nothing is looked for in the answer |
/// | `header` | none; a value may be a secret |
/// | `timeout` | 60 s for all attempts |
/// | `attempt_timeout` | 10 s for each, or `timeout` where that is less, but for 1 s |
/// | `interval` | 0.5 s between two attempts |
/// | `ca_file` | what the host trusts (https only) |
/// | `insecure` | no: a certificate must be trusted (https only) |
///
/// `verify` asks once, from the host itself; no redirect is followed. `update` changes nothing: it
/// asks again until the answer is right, and fails with what it saw last. It needs no privilege.
/// Plain HTTP needs no program, but for `getent` for names other than `localhost`; https needs
/// `curl`, which is given address and headers through a pipe.
///
/// **Needs**: `curl` for https; `getent` for names other than `localhost`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, token: Secret) -> Result {
///     let check = WaitForHttp::new("http://localhost:8080/health").contains("ok");
///     scope.add(check.header("X-Token", token));
///     scope.add(WaitForHttp::new("https://shop.example/admin").status([401, 403]));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct WaitForHttp {
    url: String,
    parsed: Option<Url>,
    status: BTreeSet<u16>,
    contains: Vec<String>,
    headers: Vec<(String, Text)>,
    timeout: Duration,
    attempt_timeout: Duration,
    interval: Duration,
    ca_file: Option<HostPath>,
    insecure: bool,
}

impl WaitForHttp {
    /// Waits for an address that begins with `http://` or `https://`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            parsed: None,
            status: BTreeSet::from([200]),
            contains: Vec::new(),
            headers: Vec::new(),
            timeout: Duration::from_secs(60),
            attempt_timeout: Duration::from_secs(10),
            interval: Duration::from_millis(500),
            ca_file: None,
            insecure: false,
        }
    }

    /// Sets the status codes that are right.
    #[must_use]
    pub fn status(mut self, codes: impl IntoIterator<Item = u16>) -> Self {
        self.status = codes.into_iter().collect();
        self
    }

    /// Looks for a text in what is answered; all that are given must be there.
    #[must_use]
    pub fn contains(mut self, text: impl Into<String>) -> Self {
        self.contains.push(text.into());
        self
    }

    /// Sends a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Text>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets how long it is waited for.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long one attempt may take.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets the time between two attempts.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Trusts what is signed by a certificate in this file.
    #[must_use]
    pub fn ca_file(mut self, path: &HostPath) -> Self {
        self.ca_file = Some(path.clone());
        self
    }

    /// Accepts any certificate.
    #[must_use]
    pub fn insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    fn headers(&self) -> Result<Vec<(String, String)>> {
        let read = |(name, value): &(String, Text)| {
            let text = String::from_utf8(value.bytes().to_vec())
                .map_err(|_| fault!(code::OPTION_VALUE, "the header `{name}` is not UTF-8"))?;
            let whole = !name.is_empty() && !name.contains([':', '\r', '\n', ' ']);
            demand!(
                whole && !text.contains(['\r', '\n', '\0']),
                code::OPTION_VALUE,
                "`{name}` is no header"
            );
            Ok((name.clone(), text))
        };
        self.headers.iter().map(read).collect()
    }

    /// How long one attempt may take: no longer than all of them, but for some time to answer.
    fn attempt(&self) -> Duration {
        self.attempt_timeout.min(self.timeout.max(Duration::from_secs(1)))
    }

    /// Asks once.
    fn look(&self, probe: &Probe<'_>) -> Result<Seen> {
        let url = self
            .parsed
            .as_ref()
            .context("the check was not configured")
            .code(code::NOT_CONFIGURED)?;
        let answer = if url.tls { self.ask_curl(probe, url)? } else { self.ask(probe, url)? };
        Ok(answer.and_then(|answer| self.judge(&answer)))
    }

    fn ask(&self, probe: &Probe<'_>, url: &Url) -> Result<Seen<Answer>> {
        let headers = self.headers()?;
        let mut last = String::new();
        for address in resolve(probe, &url.host, url.port)? {
            match http::get(address, url, &headers, self.attempt()) {
                Ok(answer) => return Ok(Ok(answer)),
                Err(error) => {
                    let told = if last.is_empty() { "" } else { ", " };
                    last += &format!("{told}{address}: {}", reason(&error));
                }
            }
        }
        Ok(Err(format!("no answer ({last})")))
    }

    fn ask_curl(&self, probe: &Probe<'_>, url: &Url) -> Result<Seen<Answer>> {
        let mut config = format!("url = {}\n", quoted(&self.url));
        for (name, value) in self.headers()? {
            config += &format!("header = {}\n", quoted(&format!("{name}: {value}")));
        }
        if let Some(file) = &self.ca_file {
            config += &format!("cacert = {}\n", quoted(&probe.local(file).display().to_string()));
        }
        if self.insecure {
            config += "insecure\n";
        }
        let limit = self.attempt().as_secs_f64().to_string();
        let exec = foreign::program("curl")
            .args(["--disable", "--silent", "--show-error", "--globoff", "--max-time", &limit])
            .args(["--write-out", "\\n%{http_code}", "--config", "-"])
            .stdin(config)
            .sensitive();
        let output = match foreign::of_package(probe.query(&exec), "curl") {
            Ok(output) => output,
            Err(error) => {
                let Some(failure) = foreign::failure(&error) else { return Err(error) };
                let meaning = match failure.code {
                    Some(6) => "the name cannot be resolved",
                    Some(7) => "connection refused",
                    Some(28) => "timed out",
                    Some(35) => "no TLS could be agreed on",
                    Some(52) => "an empty answer",
                    Some(60) => "its certificate is not trusted",
                    Some(77) => "the file of trusted certificates cannot be read",
                    _ => "curl failed",
                };
                let code = failure.code.map_or("a signal".into(), |code| code.to_string());
                let place = &url.authority;
                return Ok(Err(format!("no answer ({place}: {meaning}, curl ended with {code})")));
            }
        };
        let end = output.stdout.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        let code = String::from_utf8_lossy(&output.stdout[end..]).trim().parse();
        let status = code.context("curl told no status")?;
        Ok(Ok(Answer { status, body: output.stdout[..end].to_vec() }))
    }

    fn judge(&self, answer: &Answer) -> Seen {
        let body = String::from_utf8_lossy(&answer.body);
        let begins = || {
            let line = body.trim_start().lines().next().unwrap_or_default();
            let shown: String = line.chars().take(SHOWN).collect();
            let more = if shown.len() < body.trim().len() { " …" } else { "" };
            format!("`{shown}`{more}")
        };
        if !self.status.contains(&answer.status) {
            let wanted: Vec<_> = self.status.iter().map(u16::to_string).collect();
            let (status, wanted) = (answer.status, wanted.join(" or "));
            return Err(format!("status {status} in place of {wanted}: {}", begins()));
        }
        match self.contains.iter().find(|text| !body.contains(*text)) {
            Some(text) => Err(format!("the answer holds no `{text}`: {}", begins())),
            None => Ok(()),
        }
    }
}

/// A text in a configuration of curl.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Component for WaitForHttp {
    fn key(&self) -> Option<Cow<'_, str>> {
        // A password there is refused, but not before the key is shown.
        Some(match self.url.contains('@') && Url::parse(&self.url).is_err() {
            true => "…".into(),
            false => self.url.as_str().into(),
        })
    }

    fn configure(&mut self, _: &mut Scope<'_>) -> Result {
        let url = Url::parse(&self.url)?;
        demand!(!self.status.is_empty(), code::OPTION_MISSING, "no status is right");
        if !url.tls && (self.insecure || self.ca_file.is_some()) {
            return Err(fault!(code::OPTIONS_CLASH, "trust means nothing to plain HTTP"))
                .hint("leave out `.insecure()` and `.ca_file(…)`, or ask for `https://…`");
        }
        self.parsed = Some(url);
        self.headers().map(|_| ())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(match self.look(probe)? {
            Ok(()) => Verdict::current(),
            Err(seen) => Verdict::stale(seen),
        })
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        match wait(machine, self.timeout, self.interval, || self.look(machine))? {
            Ok(()) => Ok(()),
            Err(seen) => {
                let text = format!("`{}` does not answer as it should", self.url);
                Err(fault!(code::NOT_REACHED, "after {}: {seen}", seconds(self.timeout))
                    .context(text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_status_and_text() {
        let answer = |status, body: &str| Answer { status, body: body.into() };
        let check = WaitForHttp::new("http://x").contains("ok").status([200, 204]);
        assert_eq!(check.judge(&answer(200, "all ok")), Ok(()));
        let wrong = check.judge(&answer(503, "\nno database\nfor now"));
        assert_eq!(wrong, Err("status 503 in place of 200 or 204: `no database` …".into()));
        let wrong = check.judge(&answer(204, "no"));
        assert_eq!(wrong, Err("the answer holds no `ok`: `no`".into()));
    }

    #[test]
    fn curl_reads_quoted_texts() {
        assert_eq!(quoted("a\"b\\c"), r#""a\"b\\c""#);
    }
}
