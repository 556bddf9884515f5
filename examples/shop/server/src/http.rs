//! HTTP, as far as a page and a health check need it. What is in front of it speaks TLS.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use postgres::Client;

use crate::page;

/// How long a request may take to come in.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest line and the longest head of a request, in bytes.
const LONGEST: u64 = 16 * 1024;

/// What all requests share.
struct Shop {
    page: String,
    /// Connected when the first request asks, and anew after an error.
    database: Mutex<Option<Client>>,
}

/// Answers requests for ever.
pub fn serve(address: &str) -> Result<()> {
    let page = fs::read_to_string("page.html").context("cannot read `page.html`")?;
    let listener =
        TcpListener::bind(address).with_context(|| format!("cannot listen on `{address}`"))?;
    crate::log(&format!("listening on {address}"));
    let shop = Arc::new(Shop { page, database: Mutex::default() });
    for stream in listener.incoming() {
        let (stream, shop) = (stream?, Arc::clone(&shop));
        thread::spawn(move || {
            if let Err(error) = shop.answer(&stream) {
                crate::log(&format!("error: {error:#}"));
            }
        });
    }
    Ok(())
}

impl Shop {
    fn answer(&self, stream: &TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut lines = BufReader::new(stream.take(LONGEST)).lines();
        let first = lines.next().context("an empty request")??;
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        let answer = match first.split(' ').collect::<Vec<_>>()[..] {
            ["GET", "/", _] => {
                self.with_database(|database| page::with_goods(&self.page, database))
            }
            ["GET", "/health", _] => self.with_database(|database| {
                database.simple_query("SELECT 1 FROM goods")?;
                Ok("healthy\n".to_owned())
            }),
            _ => return reply(stream, "404 Not Found", "there is no such page\n"),
        };
        crate::log(&format!("{first}: {}", if answer.is_ok() { "200" } else { "503" }));
        match answer {
            Ok(text) => reply(stream, "200 OK", &text),
            Err(error) => {
                reply(stream, "503 Service Unavailable", "the shop is closed\n")?;
                Err(error)
            }
        }
    }

    /// Does something with the database, to which it connects if need be.
    fn with_database<T>(&self, work: impl Fn(&mut Client) -> Result<T>) -> Result<T> {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &mut *database
            && let Ok(done) = work(client)
        {
            return Ok(done);
        }
        // The server may have been started again since.
        *database = None;
        work(database.insert(crate::connect()?))
    }
}

fn reply(mut stream: &TcpStream, status: &str, text: &str) -> Result<()> {
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    Ok(stream.write_all(format!("{head}{text}").as_bytes())?)
}
