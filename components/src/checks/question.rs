//! What is asked of the web, and which answers are right.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::{Code, code};
use togusa_core::{demand, fault};

use crate::file::Text;
use crate::foreign;
use crate::resolved::resolve;
use crate::waiting::Seen;

use super::http::{self, Answer, Url};
use super::target::reason;

/// How much of an answer an error shows, in characters.
const SHOWN: usize = 200;

/// What is asked of an address on the web, and which answers are right.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) url: String,
    parsed: Option<Url>,
    pub(super) status: BTreeSet<u16>,
    /// All of it must be in the answer.
    pub(super) contains: Vec<String>,
    pub(super) headers: Vec<(String, Text)>,
    pub(super) ca_file: Option<HostPath>,
    pub(super) insecure: bool,
}

impl Question {
    pub(super) fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            parsed: None,
            status: BTreeSet::from([200]),
            contains: Vec::new(),
            headers: Vec::new(),
            ca_file: None,
            insecure: false,
        }
    }

    /// The address for a key.
    pub(super) fn key(&self) -> Cow<'_, str> {
        // A password there is refused, but not before the key is shown.
        match self.url.contains('@') && Url::parse(&self.url).is_err() {
            true => "…".into(),
            false => self.url.as_str().into(),
        }
    }

    /// Refuses what cannot be asked.
    pub(super) fn configure(&mut self) -> Result {
        let url = Url::parse(&self.url)?;
        demand!(!self.status.is_empty(), code::OPTION_MISSING, "no status is right");
        if !url.tls && (self.insecure || self.ca_file.is_some()) {
            return Err(fault!(code::OPTIONS_CLASH, "trust means nothing to plain HTTP"))
                .hint("leave out `.insecure()` and `.ca_file(…)`, or ask for `https://…`");
        }
        self.parsed = Some(url);
        self.headers().map(|_| ())
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

    /// Asks once, which may take that long.
    pub(super) fn look(&self, probe: &Probe<'_>, limit: Duration) -> Result<Seen> {
        let url = self
            .parsed
            .as_ref()
            .context("the check was not configured")
            .code(code::NOT_CONFIGURED)?;
        let answer = match url.tls {
            true => self.ask_curl(probe, url, limit)?,
            false => self.ask(probe, url, limit)?,
        };
        Ok(answer.and_then(|answer| self.judge(&answer)))
    }

    fn ask(&self, probe: &Probe<'_>, url: &Url, limit: Duration) -> Result<Seen<Answer>> {
        let headers = self.headers()?;
        let mut last = String::new();
        for address in resolve(probe, &url.host, url.port)? {
            match http::get(address, url, &headers, limit) {
                Ok(answer) => return Ok(Ok(answer)),
                Err(error) => {
                    let told = if last.is_empty() { "" } else { ", " };
                    last += &format!("{told}{address}: {}", reason(&error));
                }
            }
        }
        Ok(Err(format!("no answer ({last})")))
    }

    fn ask_curl(&self, probe: &Probe<'_>, url: &Url, limit: Duration) -> Result<Seen<Answer>> {
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
        let limit = limit.as_secs_f64().to_string();
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

    /// The error that what was seen is.
    pub(super) fn wrong(&self, seen: &str, code: Code) -> anyhow::Error {
        fault!(code, "{seen}").context(format!("`{}` does not answer as it should", self.url))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_status_and_text() {
        let answer = |status, body: &str| Answer { status, body: body.into() };
        let check = Question {
            status: [200, 204].into(),
            contains: vec!["ok".into()],
            ..Question::new("http://x")
        };
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
