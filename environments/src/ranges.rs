//! Ranges of hosts: `app[01-12]` and `rack[1,3-4]-node[01-20]` name many hosts at once.

/// The most hosts that one range may name.
const MOST: usize = 10_000;

/// Whether a name is meant as a range.
pub(crate) fn is_range(name: &str) -> bool {
    name.contains(['[', ']'])
}

/// The names that a range stands for, in the order in which it gives them.
///
/// Each pair of brackets holds numbers and spans of numbers, separated by commas; leading zeros
/// keep the width. Several pairs give every combination.
///
/// # Errors
/// What is wrong with the range, readable after its name and a colon.
pub(crate) fn expand(range: &str) -> Result<Vec<String>, String> {
    let mut names = vec![String::new()];
    let mut rest = range;
    while let Some(open) = rest.find(['[', ']']) {
        let (text, from) = rest.split_at(open);
        let inner = from.strip_prefix('[').ok_or("`]` without a `[` before it")?;
        let (inner, after) = inner.split_once(']').ok_or("`[` without a `]` after it")?;
        let numbers = group(inner)?;
        if names.len().saturating_mul(numbers.len()) > MOST {
            return Err(too_many());
        }
        let longer = names
            .iter()
            .flat_map(|name| numbers.iter().map(move |number| format!("{name}{text}{number}")));
        names = longer.collect();
        rest = after;
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Ok(names)
}

fn group(inner: &str) -> Result<Vec<String>, String> {
    if inner.trim().is_empty() {
        return Err("the brackets are empty".into());
    }
    let mut numbers: Vec<String> = Vec::new();
    for item in inner.split(',') {
        let item = item.trim();
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let span = span(first.trim(), last.trim())?;
        if numbers.len().saturating_add(span.len()) > MOST {
            return Err(too_many());
        }
        numbers.extend(span);
    }
    Ok(numbers)
}

fn span(first: &str, last: &str) -> Result<Vec<String>, String> {
    let (from, to) = (number(first)?, number(last)?);
    let padded = |digits: &str| digits.len() > 1 && digits.starts_with('0');
    if from > to {
        return Err(format!("{first} comes after {last}"));
    }
    if (padded(first) || padded(last)) && first.len() != last.len() {
        return Err(format!("{first} and {last} differ in width; pad both with zeros"));
    }
    if to - from >= MOST {
        return Err(too_many());
    }
    let width = if padded(first) { first.len() } else { 0 };
    Ok((from..=to).map(|number| format!("{number:0width$}")).collect())
}

fn number(digits: &str) -> Result<usize, String> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "`{digits}` is no number; write numbers and spans, as in `[01-03,07]`"
        ));
    }
    digits.parse().map_err(|_| format!("{digits} is too large"))
}

fn too_many() -> String {
    format!("it names more than {MOST} hosts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(range: &str) -> String {
        match expand(range) {
            Ok(names) => names.join(" "),
            Err(reason) => format!("error: {reason}"),
        }
    }

    #[test]
    fn leading_zeros_keep_the_width() {
        assert_eq!(check("app[08-11]"), "app08 app09 app10 app11");
        assert_eq!(check("app[8-11]"), "app8 app9 app10 app11");
        assert_eq!(check("app[0-2]"), "app0 app1 app2");
        assert_eq!(check("app[5]"), "app5");
    }

    #[test]
    fn several_brackets_give_every_combination() {
        assert_eq!(check("r[1,3]-n[01-02].lan"), "r1-n01.lan r1-n02.lan r3-n01.lan r3-n02.lan");
    }

    #[test]
    fn lists_and_spans_mix() {
        assert_eq!(check("app[01-03, 07]"), "app01 app02 app03 app07");
    }

    #[test]
    fn malformed_ranges_say_what_is_wrong() {
        assert_eq!(check("app[12-01]"), "error: 12 comes after 01");
        assert_eq!(check("app[]"), "error: the brackets are empty");
        assert_eq!(check("app[1"), "error: `[` without a `]` after it");
        assert_eq!(check("app1]"), "error: `]` without a `[` before it");
        assert_eq!(
            check("app[a-c]"),
            "error: `a` is no number; write numbers and spans, as in `[01-03,07]`"
        );
        assert_eq!(
            check("app[1,]"),
            "error: `` is no number; write numbers and spans, as in `[01-03,07]`"
        );
        assert_eq!(check("app[001-12]"), "error: 001 and 12 differ in width; pad both with zeros");
        assert_eq!(
            check("a[99999999999999999999999]"),
            "error: 99999999999999999999999 is too large"
        );
    }

    #[test]
    fn a_range_names_at_most_ten_thousand_hosts() {
        assert_eq!(expand("app[1-10000]").unwrap().len(), 10_000);
        assert_eq!(check("app[1-10001]"), "error: it names more than 10000 hosts");
        assert_eq!(check("app[1-9999,20000-20002]"), "error: it names more than 10000 hosts");
        assert_eq!(check("a[1-9999]b[1-9999]c[1-9999]"), "error: it names more than 10000 hosts");
    }

    proptest! {
        #[test]
        fn any_text_is_a_range_or_an_error(text in r"[a-c\[\]0-9,\-ü]{0,30}") {
            if let Ok(names) = expand(&text) {
                prop_assert!(names.iter().all(|name| !is_range(name)));
            }
        }
    }
}
