//! A small HTTP server, with the faults that a download has to bear.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What the server gives, and what it was asked.
#[derive(Default)]
pub struct Site {
    pub content: Vec<u8>,
    pub etag: Option<String>,
    /// After that many bytes of an answer the connection ends, once.
    pub cut_at: Option<usize>,
    /// Whether it knows ranges.
    pub ranges: bool,
    /// An answer without content, such as `404 Not Found`.
    pub refusal: Option<&'static str>,
    /// The requests, each with its headers.
    pub asked: Vec<String>,
}

pub struct Server {
    pub site: Arc<Mutex<Site>>,
    pub url: String,
}

impl Server {
    /// Serves until the test process ends.
    pub fn new(content: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        let site = Site { content: content.to_vec(), ranges: true, ..Site::default() };
        let site = Arc::new(Mutex::new(site));
        let shared = Arc::clone(&site);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that went away is no fault of the server.
                let _ = answer(stream, &shared);
            }
        });
        Self { site, url }
    }

    pub fn set(&self, change: impl FnOnce(&mut Site)) {
        change(&mut self.site.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The requests since this was asked last.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.site.lock().unwrap_or_else(PoisonError::into_inner).asked)
    }
}

fn answer(mut stream: TcpStream, site: &Mutex<Site>) -> std::io::Result<()> {
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while reader.read_line(&mut request)? > 2 {}
    let mut site = site.lock().unwrap_or_else(PoisonError::into_inner);
    let range = request.lines().find_map(|line| {
        let line = line.to_ascii_lowercase();
        line.strip_prefix("range: bytes=")?.split('-').next()?.parse::<usize>().ok()
    });
    let head = request.starts_with("HEAD");
    site.asked.push(request);
    if let Some(refusal) = site.refusal {
        return write!(
            stream,
            "HTTP/1.1 {refusal}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let from = range.filter(|_| site.ranges).unwrap_or(0);
    let total = site.content.len();
    if from > 0 && from >= total {
        let refusal = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n";
        return write!(stream, "{refusal}Connection: close\r\n\r\n");
    }
    let mut headers = match from {
        0 => "HTTP/1.1 200 OK\r\n".to_owned(),
        from => {
            format!("HTTP/1.1 206 Partial\r\nContent-Range: bytes {from}-{}/{total}\r\n", total - 1)
        }
    };
    if let Some(etag) = &site.etag {
        headers.push_str(&format!("ETag: {etag}\r\n"));
    }
    let body = site.content[from..].to_vec();
    let body = match site.cut_at.take() {
        Some(cut) => body[..cut.min(body.len())].to_vec(),
        None => body,
    };
    let length = total - from;
    drop(site);
    write!(stream, "{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    if head { Ok(()) } else { stream.write_all(&body) }
}
