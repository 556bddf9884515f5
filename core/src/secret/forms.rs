//! The forms in which a text may hold a secret: as it is, encoded, or one line of it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::SHORTEST_MASKED;

/// Larger secrets are looked for as they are, and line by line: all encodings would fill memory.
const ENCODED: usize = 4 * 1024;

/// Of larger secrets the beginning is looked for.
pub(super) const LARGEST: usize = 64 * 1024;

/// The last line of an encoded secret is looked for from this length on.
const LINE: usize = 8;

/// Every sequence of bytes that is masked because of a secret.
pub(super) fn forms(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    if secret.len() < SHORTEST_MASKED {
        return forms;
    }
    let secret = &secret[..secret.len().min(LARGEST)];
    let encoded = secret.len() <= ENCODED;
    add(secret, encoded, &mut forms);
    if secret.contains(&b'\n') {
        let lines = secret.split(|byte| *byte == b'\n');
        for line in lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
            if line.len() >= SHORTEST_MASKED && !is_armour(line) {
                add(line, encoded, &mut forms);
            }
        }
    }
    forms
}

/// The lines around a key or a certificate tell nothing, and stand in many texts.
fn is_armour(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.starts_with(b"-----") && line.ends_with(b"-----")
}

fn add(part: &[u8], encoded: bool, forms: &mut BTreeSet<Vec<u8>>) {
    forms.insert(part.to_vec());
    let text = String::from_utf8_lossy(part);
    if encoded {
        base64(part, forms);
        percent(part, forms);
        let debug = format!("{text:?}");
        forms.insert(debug.as_bytes()[1..debug.len() - 1].to_vec());
        forms.insert(text.replace('\'', r"'\''").into_bytes());
        numbers(part, forms);
        xml(&text, forms);
    }
    if text.chars().filter(|c| *c != char::REPLACEMENT_CHARACTER).count() >= SHORTEST_MASKED {
        // Output that is not UTF-8 is shown so.
        forms.insert(text.as_bytes().to_vec());
        json(&text, forms);
    }
}

/// Base64, also where other bytes stand before and after: `user:password` of an HTTP header.
fn base64(part: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    for before in 0..3 {
        let shifted = [vec![0; before], part.to_vec()].concat();
        // Digits that hold bits of what stands before or after are left out.
        let first = (before * 8).div_ceil(6);
        let last = shifted.len() * 8 / 6;
        for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            if before == 0 {
                // In PEM, or as `base64` prints it, a longer one stands in several lines.
                let lines = [64, 76].into_iter().flat_map(|width| encoded.as_bytes().chunks(width));
                let lines = lines.filter(|line| line.len() >= LINE);
                forms.extend(lines.map(<[u8]>::to_vec));
                forms.insert(encoded.clone().into_bytes());
            }
            forms.insert(encoded.as_bytes()[first..last].to_vec());
        }
    }
}

/// Hexadecimal, and the list of numbers as which Rust and JSON write bytes.
fn numbers(part: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    let joined = |one: &dyn Fn(&u8) -> String, between: &str| {
        part.iter().map(one).collect::<Vec<_>>().join(between).into_bytes()
    };
    forms.insert(joined(&|byte| format!("{byte:02x}"), ""));
    forms.insert(joined(&|byte| format!("{byte:02X}"), ""));
    forms.insert(joined(&u8::to_string, ", "));
    forms.insert(joined(&u8::to_string, ","));
}

/// The text of an XML or HTML document, with quotes as they are or escaped in either way.
fn xml(text: &str, forms: &mut BTreeSet<Vec<u8>>) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let quoted = text.replace('"', "&quot;");
    for form in [quoted.replace('\'', "&#39;"), quoted.replace('\'', "&apos;"), quoted, text] {
        forms.insert(form.into_bytes());
    }
}

/// URL encoding, by what each of the usual encoders leaves as it is.
fn percent(part: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    // RFC 3986; JavaScript's component; a form; Python's quote; a whole URL.
    for (plain, space) in [
        ("-._~", "%20"),
        ("-._~!*'()", "%20"),
        ("-._*", "+"),
        ("-._~/", "%20"),
        ("-._~!*'();/?:@&=+$,#", "%20"),
    ] {
        for lower in [false, true] {
            let mut encoded = String::with_capacity(part.len());
            for byte in part {
                match byte {
                    b' ' => encoded.push_str(space),
                    _ if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(byte) => {
                        encoded.push(char::from(*byte));
                    }
                    _ if lower => encoded.push_str(&format!("%{byte:02x}")),
                    _ => encoded.push_str(&format!("%{byte:02X}")),
                }
            }
            forms.insert(encoded.into_bytes());
        }
    }
}

/// The inside of a JSON string: with other characters as they are or as numbers, `/` escaped or not.
fn json(text: &str, forms: &mut BTreeSet<Vec<u8>>) {
    let quoted = serde_json::Value::from(text).to_string();
    let escaped = &quoted[1..quoted.len() - 1];
    let numbered = |upper: bool| {
        let mut numbered = String::with_capacity(escaped.len());
        for c in escaped.chars() {
            if c.is_ascii() {
                numbered.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                numbered.push_str(&match upper {
                    true => format!("\\u{unit:04X}"),
                    false => format!("\\u{unit:04x}"),
                });
            }
        }
        numbered
    };
    for form in [escaped.to_owned(), numbered(false), numbered(true)] {
        forms.insert(form.replace('/', "\\/").into_bytes());
        forms.insert(form.into_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_looked_for_in_its_usual_encodings() {
        let forms = forms("pä/ss w'rd?".as_bytes());
        for form in [
            "pä/ss w'rd?",
            "cMOkL3NzIHcncmQ/",
            "cMOkL3NzIHcncmQ_",
            "p%C3%A4%2Fss%20w%27rd%3F",
            "p%c3%a4%2fss%20w%27rd%3f",
            "p%C3%A4%2Fss+w%27rd%3F",
            "p\\u00e4/ss w'rd?",
            "p\\u00E4\\/ss w'rd?",
            r"pä/ss w'\''rd?",
            "70c3a42f737320772772643f",
            "70C3A42F737320772772643F",
            "112, 195, 164, 47, 115, 115, 32, 119, 39, 114, 100, 63",
            "pä/ss w&#39;rd?",
        ] {
            assert!(forms.contains(form.as_bytes()), "{form}");
        }
    }

    #[test]
    fn base64_is_found_among_other_bytes() {
        let forms = forms(b"tr0ub4dor");
        for user in ["", "a", "ab", "abc"] {
            let header = STANDARD_NO_PAD.encode(format!("{user}:tr0ub4dor!"));
            let found =
                forms.iter().any(|form| header.contains(std::str::from_utf8(form).unwrap()));
            assert!(found, "{header}");
        }
    }

    #[test]
    fn base64_of_several_lines_is_found() {
        let secret: Vec<u8> = (0..=255).collect();
        let forms = forms(&secret);
        for width in [64, 76] {
            let encoded = STANDARD_NO_PAD.encode(&secret).into_bytes();
            assert!(encoded.chunks(width).all(|line| forms.contains(line)));
        }
    }

    #[test]
    fn lines_count_alone_unless_they_are_short_or_armour() {
        let forms = forms(b"-----BEGIN KEY-----\r\nMIIEow\r\nshort\n\n-----END KEY-----\n");
        assert!(forms.contains(&b"MIIEow"[..]));
        let others: [&[u8]; 4] = [b"short", b"-----BEGIN KEY-----", b"-----END KEY-----", b""];
        assert!(others.iter().all(|line| !forms.contains(*line)));
        assert!(super::forms(b"short").is_empty());
    }
}
