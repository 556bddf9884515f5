//! Fetching by the programs that a host has.

mod answer;
mod url;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use togusa_core::digest::Digest;
use togusa_core::host::{ExecError, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::file::Text;

use super::memory::Memory;
use super::tools;

pub(super) use answer::{Answer, Tag};
use url::split;
pub(super) use url::{encoded, shown};

/// How much a server may answer that is not asked for a file, in bytes.
const LARGEST_ANSWER: u64 = 4 * 1024 * 1024;

/// What is asked of a server.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) url: Text,
    pub(super) headers: Vec<(String, Text)>,
    pub(super) auth: Option<(String, Text)>,
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    /// Whether it goes where the server sends it.
    pub(super) redirects: bool,
    /// Whether who can read its headers can do what they allow.
    pub(super) private: bool,
}

impl Request {
    pub(super) fn new(url: Text) -> Self {
        Self {
            url,
            headers: Vec::new(),
            auth: None,
            timeout: Duration::from_secs(60 * 60),
            retries: 3,
            redirects: true,
            private: false,
        }
    }

    pub(super) fn check(&self) -> Result {
        self.url.check()?;
        let url = self.url.as_str()?;
        let known = ["https://", "http://", "ftp://"].iter().any(|scheme| url.starts_with(scheme));
        if !known {
            return Err(fault!(
                code::ADDRESS_FORM,
                "the URL does not begin with `https://`, `http://` or `ftp://`"
            ))
            .hint("a file beside the component is a `File` with a `.source(…)`");
        }
        let mut all = vec![url];
        for (name, value) in &self.headers {
            value.check()?;
            all.extend([name.as_str(), value.as_str()?]);
        }
        if let Some((user, password)) = &self.auth {
            password.check()?;
            demand!(!user.contains(':'), code::OPTION_VALUE, "the name of a user has no `:`");
            all.extend([user.as_str(), password.as_str()?]);
        }
        let plain = !all.iter().any(|text| text.contains(['\n', '\r', '\0']));
        demand!(plain, code::OPTION_VALUE, "URL, headers and password stand on one line each");
        Ok(())
    }

    /// What tells one request from another, without its secrets.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.url.as_str().unwrap_or_default().as_bytes())
    }

    /// Asks for the version of the file, without its content.
    pub(super) fn ask(&self, probe: &Probe<'_>) -> Result<Tag> {
        let curl = self.curl("fail\nhead\n")?;
        match probe.query(&curl) {
            Ok(output) => Tag::read(&output.stdout_text()),
            Err(error) if tools::is_missing(&error) => {
                // Nothing may be written here, and wget takes its settings from no pipe.
                let hint = "install the package `curl` on the host: it takes headers and passwords \
                            without showing them to other users";
                if self.private {
                    return Err(error).hint(hint);
                }
                let wget = self.wget(self.wget_settings()?.iter().flat_map(|(name, value)| {
                    ["--execute".to_owned(), format!("{name} = {value}")]
                }))?;
                let wget = wget.args(["--spider", "--server-response"]);
                let output = match needing(probe.query(&wget)) {
                    Err(error) if is_secret(&error) => Err(error).hint(hint),
                    output => output,
                }?;
                Tag::read(&output.stderr_text())
            }
            Err(error) => Err(error),
        }
    }

    /// Asks for something small, and takes whatever is answered; with curl alone.
    pub(super) fn answer(&self, probe: &Probe<'_>) -> Result<Answer> {
        let mut config = String::from("include\n");
        setting(&mut config, "max-filesize", &LARGEST_ANSWER.to_string());
        let output = tools::needing(probe.query(&self.curl(&config)?), "curl")?;
        Answer::read(&output.stdout)
    }

    /// Fetches into a file; what is there already is what came before, if it is to be resumed.
    pub(super) fn fetch(
        &self,
        machine: &Machine<'_>,
        memory: &Memory,
        into: &HostPath,
        resume: bool,
    ) -> Result<Tag> {
        let headers = memory.path("headers");
        let local = |path: &HostPath| machine.local(path).to_string_lossy().into_owned();
        let mut config = String::from("fail\n");
        setting(&mut config, "output", &local(into));
        setting(&mut config, "dump-header", &local(&headers));
        if resume {
            setting(&mut config, "continue-at", "-");
        }
        let fetched = match machine.run(&self.curl(&config)?) {
            Err(error) if tools::is_missing(&error) => {
                let settings = self.wget_settings()?;
                let lines = settings.iter().map(|(name, value)| format!("{name} = {value}\n"));
                let config = memory.path("wgetrc");
                with_private(machine, &config, &lines.collect::<String>(), || {
                    let mut wget = self.wget([format!("--config={}", local(&config))])?;
                    if resume {
                        wget = wget.arg("--continue");
                    }
                    let wget = wget.args(["--server-response", "-O", &local(into)]);
                    Tag::read(&needing(machine.run(&wget))?.stderr_text())
                })
            }
            Err(error) => Err(error),
            // A server of FTP has none.
            Ok(_) => Tag::read(&machine.read_to_string(&headers).unwrap_or_default()),
        };
        machine.remove(&headers)?;
        // A server that has nothing to send leaves no file.
        if fetched.is_ok() && machine.entry(into)?.is_none() {
            machine.write(into, "", &Ownership::mode(0o600))?;
        }
        fetched
    }

    /// The URL as programs get it, which they print, and who asks.
    fn parts(&self) -> Result<(String, Option<(String, String)>)> {
        let (url, login) = split(self.url.as_str()?);
        let given = match &self.auth {
            Some((user, password)) => Some((user.clone(), password.as_str()?.to_owned())),
            None => login,
        };
        Ok((url, given))
    }

    /// Whether it says something that is for one server alone: wget says it to every other one, too,
    /// that it is redirected to (seen with 1.21.3).
    fn has_credentials(&self) -> Result<bool> {
        let for_one =
            |name: &str| ["authorization", "cookie"].iter().any(|it| name.eq_ignore_ascii_case(it));
        Ok(self.parts()?.1.is_some() || self.headers.iter().any(|(name, _)| for_one(name)))
    }

    /// curl, which reads all that it is told from its standard input.
    fn curl(&self, more: &str) -> Result<Exec> {
        let mut config = String::from("silent\nshow-error\nlocation\ngloboff\n");
        let (url, login) = self.parts()?;
        setting(&mut config, "url", &url);
        setting(&mut config, "proto", "=https,http,ftp");
        setting(&mut config, "connect-timeout", "30");
        setting(&mut config, "speed-limit", "1");
        setting(&mut config, "speed-time", "60");
        setting(&mut config, "retry", &self.retries.to_string());
        setting(&mut config, "max-time", &self.timeout.as_secs().max(1).to_string());
        if !self.redirects {
            setting(&mut config, "max-redirs", "0");
        }
        for (name, value) in &self.headers {
            setting(&mut config, "header", &format!("{name}: {}", value.as_str()?));
        }
        if let Some((user, password)) = login {
            setting(&mut config, "user", &format!("{user}:{password}"));
        }
        config.push_str(more);
        Ok(Exec::new("curl").args(["-K", "-"]).stdin(config).timeout(self.limit()))
    }

    /// wget, which reads the URL from its standard input.
    fn wget(&self, args: impl IntoIterator<Item = String>) -> Result<Exec> {
        let exec = Exec::new("wget").args(args).args(["--no-verbose", "-i", "-"]);
        Ok(exec.stdin(format!("{}\n", self.parts()?.0)).timeout(self.limit()))
    }

    fn wget_settings(&self) -> Result<Vec<(&'static str, String)>> {
        let mut settings = vec![
            ("tries", (self.retries + 1).to_string()),
            ("connect_timeout", "30".into()),
            ("read_timeout", "60".into()),
        ];
        if !self.redirects || self.has_credentials()? {
            settings.push(("max_redirect", "0".into()));
        }
        for (name, value) in &self.headers {
            settings.push(("header", format!("{name}: {}", value.as_str()?)));
        }
        if let Some((user, password)) = self.parts()?.1 {
            settings.push(("user", user));
            settings.push(("password", password));
            settings.push(("auth_no_challenge", "on".into()));
        }
        Ok(settings)
    }

    /// When a program is killed that does not keep to its own limit.
    fn limit(&self) -> Duration {
        self.timeout + Duration::from_secs(10)
    }
}

/// Fetches a file that is known by its checksum; a former download that broke is gone on with.
pub(super) fn fetch_exactly<'a>(
    machine: &Machine<'_>,
    request: impl Fn() -> Result<Cow<'a, Request>>,
    memory: &Memory,
    partial: &HostPath,
    sum: Digest,
) -> Result<Tag> {
    let fetch = || -> Result<(Digest, Tag)> {
        let tag = request()?.fetch(machine, memory, partial, true)?;
        Ok((machine.digest(partial)?.0, tag))
    };
    let begun = machine.entry(partial)?.is_some_and(|entry| entry.size > 0);
    if begun {
        // What is complete, or cannot be resumed, is looked at like what came.
        if machine.digest(partial)?.0 == sum {
            return Ok(Tag::default());
        }
        match fetch() {
            Ok((digest, tag)) if digest == sum => return Ok(tag),
            Ok(_) => machine.remove(partial)?,
            Err(error) if cannot_resume(&error) => machine.remove(partial)?,
            Err(error) => return Err(error),
        }
    }
    let (digest, tag) = fetch()?;
    if digest != sum {
        machine.remove(partial)?;
        let error =
            fault!(code::CHECKSUM_DIFFERS, "the file has the SHA-256 checksum {digest}, not {sum}");
        return Err(error).hint(
            "compare it with the one that its authors publish: the file may have been changed",
        );
    }
    Ok(tag)
}

/// A private file that lives as long as a program reads it.
fn with_private<T>(
    machine: &Machine<'_>,
    path: &HostPath,
    content: &str,
    run: impl FnOnce() -> Result<T>,
) -> Result<T> {
    machine.write(path, content, &Ownership::mode(0o600))?;
    let result = run();
    machine.remove(path)?;
    result
}

/// Adds a line to what curl reads.
fn setting(config: &mut String, name: &str, value: &str) {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    // Writing into a text does not fail.
    let _ = writeln!(config, "{name} = \"{value}\"");
}

fn needing<T>(result: Result<T>) -> Result<T> {
    match result {
        Err(error) if tools::is_missing(&error) => {
            Err(fault!(code::NO_PROGRAM, "there is neither `curl` nor `wget`"))
                .hint("install the package `curl` on the host")
        }
        Err(error) if is_redirected(&error) => {
            Err(error).hint("the package `curl` takes a redirect without passing the password on")
        }
        result => result,
    }
}

/// Whether wget was told to take no redirect, and met one.
fn is_redirected(error: &anyhow::Error) -> bool {
    let Some(ExecError::Failed { failure, .. }) = error.downcast_ref() else { return false };
    failure.stderr_tail.contains("redirections exceeded")
}

/// Whether a command was not started because every user could read a secret then.
fn is_secret(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ExecError::SecretArgument { .. }))
}

/// Whether a try to go on failed for a reason that a new beginning has not: the server knows no
/// ranges, or the file there is shorter by now.
fn cannot_resume(error: &anyhow::Error) -> bool {
    let Some(ExecError::Failed { failure, .. }) = error.downcast_ref() else { return false };
    match failure.code {
        // Of curl: no ranges, a bad place to go on.
        Some(33 | 36) => true,
        // Of curl and of wget: the server said what is wrong, here `range not satisfiable`.
        Some(22 | 8) => failure.stderr_tail.contains("416"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_curl_reads_is_quoted() {
        let mut config = String::new();
        setting(&mut config, "header", "X: \"a\\b\"");
        assert_eq!(config, "header = \"X: \\\"a\\\\b\\\"\"\n");
    }
}
