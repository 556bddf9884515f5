//! The lines of a section that name servers.

use std::collections::BTreeSet;

use togusa_core::prelude::*;

/// What takes a server out of use, told by its comment from a `disabled` of somebody else.
const DRAINED: &str = " disabled # togusa: drained";

/// Whether any of the servers stands in a section, in use or not.
pub(super) fn has_any(section: &str, servers: &BTreeSet<Address>) -> bool {
    section.lines().any(|line| is_any(line, servers))
}

/// The section with these servers taken out of use; those that are `disabled` already stay as they
/// are.
pub(super) fn drained(section: &str, servers: &BTreeSet<Address>) -> String {
    edited(section, servers, |line| {
        let (told, _) = split(line);
        let is_disabled = told.split_whitespace().any(|word| word == "disabled");
        (!is_disabled).then(|| format!("{told}{DRAINED}{}", &line[told.len()..]))
    })
}

/// The section with these servers as they were before [`drained`].
pub(super) fn restored(section: &str, servers: &BTreeSet<Address>) -> String {
    edited(section, servers, |line| {
        let (before, after) = line.split_once(DRAINED)?;
        // One that stands within a comment is not ours.
        (!before.contains('#')).then(|| format!("{before}{after}"))
    })
}

fn edited(
    section: &str,
    servers: &BTreeSet<Address>,
    edit: impl Fn(&str) -> Option<String>,
) -> String {
    let lines = section.split_inclusive('\n');
    lines
        .map(|line| match is_any(line, servers) {
            true => edit(line).unwrap_or_else(|| line.to_owned()),
            false => line.to_owned(),
        })
        .collect()
}

/// What HAProxy reads of a line, and the blanks and the comment that follow.
fn split(line: &str) -> (&str, &str) {
    let told = line.split('#').next().unwrap_or_default().trim_end();
    line.split_at(told.len())
}

fn is_any(line: &str, servers: &BTreeSet<Address>) -> bool {
    let mut words = split(line).0.split_whitespace();
    let is_server = words.next() == Some("server");
    let address = words.nth(1);
    is_server && address.is_some_and(|word| servers.iter().any(|it| it.to_string() == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: &str = "\
backend shop
    # server z a:80
    server one a:80 check
    server two b:80 check # rack 4
    server three c:80 disabled
    server four a:8080
    use-server one if { src a:80 }
    server five a:80\t\r
    server six a:80";

    fn meant(texts: &[(&str, u16)]) -> BTreeSet<Address> {
        texts.iter().map(|(host, port)| Address { host: (*host).into(), port: *port }).collect()
    }

    #[test]
    fn servers_are_taken_out_of_use_and_put_back_as_they_were() {
        let servers = meant(&[("a", 80), ("b", 80)]);
        let out = drained(SECTION, &servers);
        let expected = "\
backend shop
    # server z a:80
    server one a:80 check disabled # togusa: drained
    server two b:80 check disabled # togusa: drained # rack 4
    server three c:80 disabled
    server four a:8080
    use-server one if { src a:80 }
    server five a:80 disabled # togusa: drained\t\r
    server six a:80 disabled # togusa: drained";
        assert_eq!(out, expected);
        assert_eq!(drained(&out, &servers), out, "it is drained already");
        assert_eq!(restored(&out, &servers), SECTION);
        let some = restored(&out, &meant(&[("b", 80)]));
        assert_eq!(some, out.replace("check disabled # togusa: drained # rack", "check # rack"));
    }

    #[test]
    fn a_server_that_somebody_else_has_disabled_stays_so() {
        let servers = meant(&[("c", 80)]);
        assert!(has_any(SECTION, &servers) && !has_any(SECTION, &meant(&[("z", 80)])));
        assert_eq!(drained(SECTION, &servers), SECTION);
        assert_eq!(restored(SECTION, &servers), SECTION);
        let commented = "server c c:80 # was: disabled # togusa: drained\n";
        assert_eq!(restored(commented, &servers), commented);
        let present = "server c c:80 disabled # why\n";
        assert_eq!(restored(present, &servers), present);
    }
}
