use std::collections::BTreeMap;

use togusa_core::names::RootId;

/// Many names as a few, in the notation of environments: `app[01-80]`, `db`.
pub fn folded<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    // By what stands around the last number, and by its width where zeros lead.
    let mut alike = BTreeMap::<(&str, &str, usize), Vec<(u64, &str)>>::new();
    let mut alone = Vec::new();
    for name in names {
        match numbered(name) {
            Some((before, number, digits, after)) => {
                let width =
                    if digits.starts_with('0') && digits.len() > 1 { digits.len() } else { 0 };
                alike.entry((before, after, width)).or_default().push((number, digits));
            }
            None => alone.push(name.to_owned()),
        }
    }
    // `08` and `09` go on with `10`.
    let padded: Vec<_> = alike.keys().filter(|key| key.2 > 0).copied().collect();
    for key in padded {
        let plain = (key.0, key.1, 0);
        let Some(numbers) = alike.remove(&plain) else { continue };
        let (same, other): (Vec<_>, Vec<_>) =
            numbers.into_iter().partition(|(_, digits)| digits.len() == key.2);
        alike.entry(key).or_default().extend(same);
        if !other.is_empty() {
            alike.insert(plain, other);
        }
    }
    for ((before, after, _), mut numbers) in alike {
        numbers.sort_unstable();
        numbers.dedup();
        if let [(_, digits)] = numbers[..] {
            alone.push(format!("{before}{digits}{after}"));
        } else {
            alone.push(format!("{before}[{}]{after}", spans(&numbers)));
        }
    }
    alone.sort();
    alone
}

/// Roots as a few: `app@app[01-80]`.
pub fn of_roots<'a>(roots: impl IntoIterator<Item = &'a RootId>) -> Vec<String> {
    let mut hosts = BTreeMap::<&str, Vec<&str>>::new();
    for root in roots {
        hosts.entry(root.root.as_str()).or_default().push(root.host.as_str());
    }
    let all = hosts.into_iter().flat_map(|(root, hosts)| {
        folded(hosts).into_iter().map(move |host| format!("{root}@{host}"))
    });
    all.collect()
}

/// A name around the last number in it, if that is short enough to count with.
fn numbered(name: &str) -> Option<(&str, u64, &str, &str)> {
    let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = name[..end].rfind(|c: char| !c.is_ascii_digit());
    let start = start.map_or(0, |at| at + name[at..].chars().next().map_or(0, char::len_utf8));
    let digits = &name[start..end];
    Some((&name[..start], digits.parse().ok()?, digits, &name[end..]))
}

fn spans(numbers: &[(u64, &str)]) -> String {
    let mut spans = Vec::new();
    let mut rest = numbers;
    while let Some((first, digits)) = rest.first() {
        let length = rest.iter().zip(*first..).take_while(|((number, _), next)| number == next);
        let length = length.count();
        let last = rest[length - 1].1;
        spans.push(match length {
            1 => (*digits).to_owned(),
            2 => format!("{digits},{last}"),
            _ => format!("{digits}-{last}"),
        });
        rest = &rest[length..];
    }
    spans.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &[&str]) -> String {
        folded(names.iter().copied()).join(" ")
    }

    #[test]
    fn names_that_count_on_become_one() {
        assert_eq!(told(&["app01", "app02", "app03", "db"]), "app[01-03] db");
        assert_eq!(told(&["app08", "app09", "app10", "app12"]), "app[08-10,12]");
        assert_eq!(told(&["web9", "web10", "web11"]), "web[9-11]");
        assert_eq!(told(&["web1", "web2"]), "web[1,2]");
        assert_eq!(told(&["a1.lan", "a2.lan", "a3.lan", "a4.wan"]), "a4.wan a[1-3].lan");
        assert_eq!(told(&["r1-n1", "r1-n2", "r2-n1"]), "r1-n[1,2] r2-n1");
        assert_eq!(
            told(&["ü1", "ü2", "ü3", "x99999999999999999999999"]),
            "x99999999999999999999999 ü[1-3]"
        );
        assert_eq!(told(&["db"]), "db");
        assert_eq!(told(&[]), "");
    }

    #[test]
    fn what_is_told_is_a_range_of_an_environment() {
        let names = ["a1", "a2", "a3", "a7", "b08", "b09", "b10"];
        let hosts = folded(names).into_iter().map(|range| format!("[hosts.'{range}']\n"));
        let environment =
            togusa_environments::from_str("p", "e", &hosts.collect::<String>()).unwrap();
        let named: Vec<_> = environment.hosts.keys().map(|name| name.as_str()).collect();
        assert_eq!(named, names);
    }
}
