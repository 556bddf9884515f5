//! The servers in the `upstream` blocks of a configuration.

use std::collections::BTreeSet;

use togusa_core::prelude::*;

/// What takes a server out of use.
const DOWN: &str = " down";

/// What tells our own `down` from one that the author of the text wants.
const MARK: &str = " # togusa: drained";

/// The same where more than a comment follows on the line, which then goes on in the next one.
const BREAK: &str = " # togusa: drained, the line goes on\n";

/// A server of an `upstream`.
struct Server {
    address: String,
    is_down: bool,
    /// Where its line ends.
    semicolon: usize,
}

impl Server {
    /// Without a port nginx takes 80.
    fn is(&self, address: &Address) -> bool {
        let full = address.to_string();
        self.address == full
            || address.port == 80 && full.strip_suffix(":80") == Some(self.address.as_str())
    }
}

/// Whether any of the servers stands in a text, in use or not.
pub(super) fn has_any(text: &str, addresses: &BTreeSet<Address>) -> bool {
    find(text, addresses).next().is_some()
}

/// The text with these servers taken out of use; those that are `down` already stay as they are.
pub(super) fn drained(text: &str, addresses: &BTreeSet<Address>) -> String {
    let mut result = String::new();
    let mut done = 0;
    for server in find(text, addresses).filter(|server| !server.is_down) {
        let after = &text[server.semicolon + 1..];
        let rest = after.lines().next().unwrap_or_default().trim();
        let mark = if rest.is_empty() || rest.starts_with('#') { MARK } else { BREAK };
        result += &format!("{}{DOWN};{mark}", &text[done..server.semicolon]);
        done = server.semicolon + 1;
    }
    result + &text[done..]
}

/// The text with these servers as they were before [`drained`].
pub(super) fn restored(text: &str, addresses: &BTreeSet<Address>) -> String {
    let mut result = String::new();
    let mut done = 0;
    for server in find(text, addresses).filter(|server| server.is_down) {
        let after = &text[server.semicolon + 1..];
        let Some(mark) = [BREAK, MARK].into_iter().find(|mark| after.starts_with(mark)) else {
            continue;
        };
        let Some(before) = text[done..server.semicolon].strip_suffix(DOWN) else { continue };
        result += &format!("{before};");
        done = server.semicolon + 1 + mark.len();
    }
    result + &text[done..]
}

fn find<'a>(
    text: &'a str,
    addresses: &'a BTreeSet<Address>,
) -> impl Iterator<Item = Server> + use<'a> {
    let is_meant = |server: &Server| addresses.iter().any(|address| server.is(address));
    servers(text).into_iter().filter(is_meant)
}

/// Reads a text as nginx does, as far as it takes to tell words, blocks and comments.
fn servers(text: &str) -> Vec<Server> {
    let mut servers = Vec::new();
    let (mut blocks, mut words) = (Vec::new(), Vec::<&str>::new());
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return servers };
        match first {
            '#' => rest = rest.split_once('\n').map_or("", |(_, next)| next),
            ';' | '{' | '}' => {
                match (first, words.as_slice()) {
                    (';', ["server", address, options @ ..]) if blocks.last() == Some(&true) => {
                        servers.push(Server {
                            address: (*address).to_owned(),
                            is_down: options.contains(&"down"),
                            semicolon: text.len() - rest.len(),
                        });
                    }
                    ('{', words) => blocks.push(words.first() == Some(&"upstream")),
                    ('}', _) => {
                        blocks.pop();
                    }
                    _ => {}
                }
                words.clear();
                rest = &rest[1..];
            }
            _ => {
                let (word, next) = word(rest);
                words.push(word);
                rest = next;
            }
        }
    }
}

/// The word that a text begins with, without quotes around it, and what follows.
fn word(text: &str) -> (&str, &str) {
    let quote = text.chars().next().filter(|first| ['"', '\''].contains(first));
    let begin = usize::from(quote.is_some());
    let mut before = ' ';
    for (at, c) in text.char_indices().skip(begin) {
        let ends = match quote {
            Some(quote) => c == quote,
            // A variable may be written as `${name}`.
            None => c.is_whitespace() || c == ';' || c == '{' && before != '$',
        };
        if ends && before != '\\' {
            return (&text[begin..at], &text[at + begin..]);
        }
        before = if before == '\\' { ' ' } else { c };
    }
    (&text[begin..], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> BTreeSet<Address> {
        let split = |text: &&str| {
            let (host, port) = text.rsplit_once(':').unwrap();
            Address { host: host.into(), port: port.parse().unwrap() }
        };
        texts.iter().map(split).collect()
    }

    const SITE: &str = "\
# server a:80; in upstream {
upstream app {
    least_conn; # {
    server a:8080 max_fails=2;
    server b:8080 ;  # rack 4
    server c:8080 down;
    server \"a:8080\" backup; server [::1]:8080; }
upstream \"other;\" { server a:8081; server ${name}:8080; server d; }
server {
    server_name a:8080;
    location /x { return 200 \"upstream { server a:8080; }\"; }
    location ~ \\{ { proxy_pass http://app; }
}
upstream last { server a:8080; }";

    #[test]
    fn servers_are_taken_out_of_use_and_put_back_as_they_were() {
        let meant = addresses(&["a:8080", "b:8080", "::1:8080"]);
        let out = drained(SITE, &meant);
        let expected = "\
# server a:80; in upstream {
upstream app {
    least_conn; # {
    server a:8080 max_fails=2 down; # togusa: drained
    server b:8080  down; # togusa: drained  # rack 4
    server c:8080 down;
    server \"a:8080\" backup down; # togusa: drained, the line goes on
 server [::1]:8080 down; # togusa: drained, the line goes on
 }
upstream \"other;\" { server a:8081; server ${name}:8080; server d; }
server {
    server_name a:8080;
    location /x { return 200 \"upstream { server a:8080; }\"; }
    location ~ \\{ { proxy_pass http://app; }
}
upstream last { server a:8080 down; # togusa: drained, the line goes on
 }";
        assert_eq!(out, expected);
        assert_eq!(drained(&out, &meant), out, "it is drained already");
        assert_eq!(restored(&out, &meant), SITE);
        assert_eq!(restored(SITE, &meant), SITE);

        let some = restored(&out, &addresses(&["b:8080"]));
        assert_eq!(drained(&some, &addresses(&["b:8080"])), out);
        assert!(some.contains("server b:8080 ;  # rack 4\n") && some.contains("[::1]:8080 down;"));
    }

    #[test]
    fn a_server_that_its_author_wants_down_stays_down() {
        let meant = addresses(&["c:8080"]);
        assert!(has_any(SITE, &meant));
        assert_eq!(drained(SITE, &meant), SITE);
        assert_eq!(restored(SITE, &meant), SITE);
        assert_eq!(
            restored("upstream x { server c:8080 down; # why\n}", &meant),
            "upstream x { server c:8080 down; # why\n}"
        );
    }

    #[test]
    fn servers_are_found_in_upstreams_alone_and_with_the_port_that_they_have() {
        let found = |texts: &[&str]| find(SITE, &addresses(texts)).count();
        assert_eq!(found(&["a:8080"]), 3);
        assert_eq!(found(&["d:80"]), 1);
        assert_eq!([found(&["d:81"]), found(&["a:80"]), found(&["app:80"])], [0, 0, 0]);
        assert!(!has_any(SITE, &addresses(&[])));
    }
}
