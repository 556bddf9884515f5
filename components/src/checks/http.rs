//! A small client of HTTP/1.1: one request, one answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::target::split;

/// How much of an answer is read, in bytes.
const LONGEST: usize = 10_000_000;

/// An address on the web, in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) tls: bool,
    /// As it is written, with the port.
    pub(super) authority: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let remedy = "write it as `http://host:port/path`";
        let (tls, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => {
                return Err(fault!(code::ADDRESS_FORM, "`{text}` is no address of http or https"))
                    .hint(remedy);
            }
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        // First of all, so that no message shows it.
        if authority.contains('@') {
            return Err(fault!(code::PASSWORD_IN_URL, "the address holds a user or a password"))
                .hint("give it by `.header(\"Authorization\", …)`, which takes a secret");
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        let (host, port) = split(authority);
        let port = match port {
            None => Some(if tls { 443 } else { 80 }),
            Some(port) => port.parse().ok().filter(|port| *port > 0),
        };
        let port = port
            .with_context(|| format!("`{text}` has no port"))
            .code(code::ADDRESS_FORM)
            .hint(remedy)?;
        let odd = |c: char| c.is_whitespace() || c.is_control();
        demand!(
            !host.is_empty() && !rest.contains(odd),
            code::ADDRESS_FORM,
            "`{text}` is no address of http"
        );
        let (authority, path) = (authority.to_owned(), format!("{slash}{path}"));
        Ok(Self { tls, authority, host: host.to_owned(), port, path })
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Asks one address. All of it may take that long.
pub(super) fn get(
    address: SocketAddr,
    url: &Url,
    headers: &[(String, String)],
    limit: Duration,
) -> io::Result<Answer> {
    let end = Instant::now() + limit;
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    let mut request = format!("GET {} HTTP/1.1\r\nHost: {}\r\n", url.path, url.authority);
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += "User-Agent: togusa\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    stream.set_write_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
        if bytes.len() > LONGEST || is_whole(&bytes) {
            break;
        }
    }
    parse(&bytes).ok_or_else(|| io::Error::other("what it answers is no HTTP"))
}

/// Whether all of an answer is there, for one who keeps the connection open all the same.
fn is_whole(bytes: &[u8]) -> bool {
    let Some((head, body)) = split_head(bytes) else { return false };
    let head = Head::parse(head);
    match head {
        Some(Head { chunked: true, .. }) => body.ends_with(b"0\r\n\r\n"),
        Some(Head { length: Some(length), .. }) => body.len() >= length,
        _ => false,
    }
}

struct Head {
    status: u16,
    chunked: bool,
    length: Option<usize>,
}

impl Head {
    fn parse(head: &[u8]) -> Option<Self> {
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
        let mut parsed = Self { status, chunked: false, length: None };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            match name.to_ascii_lowercase().as_str() {
                "transfer-encoding" => parsed.chunked = value.to_lowercase().contains("chunked"),
                "content-length" => parsed.length = value.trim().parse().ok(),
                _ => {}
            }
        }
        Some(parsed)
    }
}

fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((&bytes[..end], &bytes[end + 4..]))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let (head, body) = split_head(bytes)?;
    let head = Head::parse(head)?;
    let body = match (head.chunked, head.length) {
        (true, _) => dechunked(body),
        (false, Some(length)) => body[..length.min(body.len())].to_vec(),
        (false, None) => body.to_vec(),
    };
    Some(Answer { status: head.status, body })
}

/// What stands in the chunks; of one that breaks off, what came.
fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..end]);
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        rest = &rest[end + 2..];
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        rest = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let url = Url::parse("http://web:8080/a?b=c#d").unwrap();
        assert_eq!((url.tls, &*url.host, url.port, &*url.path), (false, "web", 8080, "/a?b=c"));
        assert_eq!(url.authority, "web:8080");
        let url = Url::parse("https://[::1]?x").unwrap();
        assert_eq!((url.tls, &*url.host, url.port, &*url.path), (true, "::1", 443, "/?x"));
        assert_eq!(Url::parse("http://web").unwrap().path, "/");
        for wrong in ["web", "ftp://web", "http://", "http://web:x/", "http://we b/", "http://a:0"]
        {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
        let error = format!("{:#}", Url::parse("http://u:hunter2@web/").unwrap_err());
        assert!(error.contains("user or a password") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn answers_are_read_by_length_by_chunks_and_to_the_end() {
        let body = |text: &str| parse(text.as_bytes()).map(|answer| answer.body);
        let is = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc"), is("ab"));
        assert_eq!(body("HTTP/1.0 200\r\n\r\nabc"), is("abc"));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n";
        assert_eq!(body(&format!("{chunked}3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")), is("abcde"));
        assert_eq!(body(&format!("{chunked}ffffffffffffffff\r\nabc")), is("abc"));
        assert_eq!(parse(b"HTTP/1.1 503 No\r\n\r\n").unwrap().status, 503);
        assert_eq!(parse(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert!(is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"));
    }
}
