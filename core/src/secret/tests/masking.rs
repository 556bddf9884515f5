//! Texts that hold a secret, in any form and in any pieces.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::verdict::Change;

fn knowing<const N: usize>(secrets: [&str; N]) -> KnownSecrets {
    let known = KnownSecrets::default();
    secrets.into_iter().for_each(|secret| known.learn(&Secret::new(secret)));
    known
}

#[test]
fn a_text_is_masked_and_the_rest_of_it_stays() {
    let known = knowing(["tr0ub4dor", "l0velace"]);
    assert_eq!(known.mask("a tr0ub4dor, b l0velace."), "a [secret], b [secret].");
    assert_eq!(known.mask("nothing of them"), "nothing of them");
    assert_eq!(known.mask("dHIwdWI0ZG9y"), "[secret]");
}

#[test]
fn secrets_that_overlap_are_masked_to_the_end_of_the_last() {
    let known = knowing(["abcdef", "defghi"]);
    assert_eq!(known.mask("-abcdefghi-"), "-[secret]-");
    assert_eq!(knowing(["abcdef", "abcdefghi"]).mask("abcdefghi"), "[secret]");
}

#[test]
fn a_short_secret_masks_no_text() {
    let known = knowing(["12345", ""]);
    assert_eq!(known.mask("port 12345"), "port 12345");
    assert!(Secret::new("12345").is_short() && !Secret::new("123456").is_short());
}

#[test]
fn a_line_of_a_secret_is_masked_alone_and_a_short_one_with_its_neighbours() {
    let known = knowing(["first line\nab\nlast line\n"]);
    assert_eq!(known.mask("x first line y"), "x [secret] y");
    assert_eq!(known.mask("ab"), "ab");
    assert_eq!(known.mask("> first line\nab\nlast line\n<"), "> [secret]<");
}

#[test]
fn a_placeholder_is_no_secret_to_mask() {
    let known = KnownSecrets::default();
    known.learn(&Secret::<String>::placeholder("password"));
    assert!(known.has_placeholder());
    assert_eq!(known.mask("placeholder of password"), "placeholder of password");
}

#[test]
fn a_diff_that_holds_a_secret_across_its_lines_is_not_shown() {
    let known = knowing(["ab\ncd\nef", "tr0ub4dor"]);
    let diff = |diff: &str| Change::Text { diff: diff.to_owned() }.masked(&known);
    assert_eq!(diff(" x\n+ab\n+cd\n+ef\n"), Change::Sensitive);
    assert_eq!(diff(" ab\n-cd\n ef\n"), Change::Sensitive);
    let masked = Change::Text { diff: "-x\n+[secret]\n".to_owned() };
    assert_eq!(diff("-x\n+tr0ub4dor\n"), masked);
}

#[test]
fn what_a_root_learns_the_run_knows_and_not_the_other_way_round() {
    let run = Arc::new(KnownSecrets::default());
    let host = crate::environment::Host::local("web", "~").with_root("a", Default::default());
    let (one, other) = (run.of_root(&host, &host.roots[0]), run.of_root(&host, &host.roots[0]));
    known::learning(&one, || {
        Secret::new("tr0ub4dor");
        known::received(r#"[{"$secret": "l0velace"}, {"x": {"$secret-base64": "AAAAAAAA/w=="}}]"#);
        assert_eq!(masked("tr0ub4dor".to_owned()), "[secret]");
    });
    Secret::new("made by nobody");
    for known in [&run, &one] {
        assert!(known.is_in(b"tr0ub4dor") && known.is_in(b"l0velace"));
        assert!(known.is_in(b"\0\0\0\0\0\0\xff") && !known.is_in(b"made by nobody"));
    }
    assert!(other.is_empty());
}

#[test]
fn a_large_secret_costs_bounded_memory_and_its_beginning_is_masked() {
    let line = |number: usize| format!("line {number} of a large secret\n");
    let large: String = (0..40_000).map(line).collect();
    let known = knowing([&*large]);
    assert_eq!(known.mask("line 17 of a large secret"), "[secret]");
    assert!(known.finder().longest() <= 128 * 1024);
}

fn percent(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let encoded = bytes.iter().map(|byte| match byte {
        byte if plain(byte) => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// The encodings of a secret that a program may print.
fn encodings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let json = serde_json::to_string(secret).unwrap();
    vec![
        secret.to_owned(),
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        STANDARD.encode([b"user:", bytes].concat()),
        percent(bytes),
        json[1..json.len() - 1].to_owned(),
        format!("{secret:?}"),
    ]
}

/// What must not be in the output: the secret in this encoding, but for the ends of base64 that
/// belong to other bytes too.
fn core(encoding: usize, text: &str) -> &str {
    match encoding {
        5 => &text[7..text.len() - 4],
        8 => &text[1..text.len() - 1],
        _ => text.trim_end_matches('='),
    }
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9!$%&/()=?+*#'\"\\\\ -]{6,40}",
        "[a-z€äß\u{1f511}]{6,20}",
        "[a-z0-9]{1,12}\n[a-z0-9]{1,3}\n([a-z0-9 ]{0,12}\n){0,4}[a-z]{2,8}",
    ]
}

fn noise() -> impl Strategy<Value = String> {
    "[A-Z €\n]{0,30}"
}

/// What a stream shows of bytes that come in the given pieces.
fn shown(known: &Arc<KnownSecrets>, bytes: &[u8], pieces: &[usize]) -> Vec<String> {
    struct Pieces<'a>(&'a [u8], std::iter::Cycle<std::slice::Iter<'a, usize>>);
    impl std::io::Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let size = *self.1.next().unwrap_or(&1);
            let count = size.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }
    crate::host::shown(known, Pieces(bytes, pieces.iter().cycle()))
}

proptest! {
    #[test]
    fn a_known_secret_is_never_in_what_is_shown(
        (secrets, which, encoding) in (prop::collection::vec(secret(), 1..4), 0..3usize, 0..9usize),
        (before, after) in (noise(), noise()),
        pieces in prop::collection::vec(1..40usize, 1..5),
    ) {
        let known = Arc::new(KnownSecrets::default());
        secrets.iter().for_each(|secret| known.learn(&Secret::new(secret)));
        let secret = &secrets[which % secrets.len()];
        // A secret that is part of the mask cannot be told from it.
        prop_assume!(secrets.iter().all(|secret| !MASK.contains(&**secret)));
        let encoded = encodings(secret).swap_remove(encoding);
        let text = format!("{before}{encoded}{after}");
        let hidden = core(encoding, &encoded);

        let masked = known.mask(&text);
        prop_assert!(!masked.contains(hidden), "{masked:?} shows {hidden:?}");
        prop_assert!(masked.contains(MASK));
        let lines = shown(&known, text.as_bytes(), &pieces).join("\n");
        prop_assert!(!lines.contains(hidden), "{lines:?} shows {hidden:?}");
        prop_assert_eq!(lines, masked.strip_suffix('\n').unwrap_or(&masked), "as if it came at once");
    }

    #[test]
    fn what_holds_no_secret_is_shown_as_it_is(
        secrets in prop::collection::vec("[a-z0-9]{6,20}", 1..4),
        text in "[A-Z €\n]{0,200}",
        pieces in prop::collection::vec(1..40usize, 1..5),
    ) {
        let known = Arc::new(KnownSecrets::default());
        secrets.iter().for_each(|secret| known.learn(&Secret::new(secret)));
        prop_assert_eq!(known.mask(&text), &*text);
        let lines = shown(&known, text.as_bytes(), &pieces);
        let expected: Vec<_> = text.strip_suffix('\n').unwrap_or(&text).split('\n').collect();
        prop_assert!(lines == expected || text.is_empty() && lines.is_empty());
    }
}

#[test]
fn what_markup_escapes_is_masked() {
    let known = knowing(["p&ss<w>rd\"x"]);
    assert_eq!(known.mask("a p&amp;ss&lt;w&gt;rd\"x b"), "a [secret] b");
    assert_eq!(known.mask("p&amp;ss&lt;w&gt;rd&quot;x"), "[secret]");
}

#[test]
fn a_secret_of_many_lines_takes_no_more_room_than_one_of_few() {
    let text: String = (0..9_000).map(|number| format!("{number:06}\n")).collect();
    let finder = Finder::new(std::iter::once(text.as_bytes()));
    assert!(finder.held() < 10 * text.len(), "{}", finder.held());
    let (first, rest) = text.split_at(700);
    assert_eq!(finder.complete(first.as_bytes()), 0);
    assert_eq!(finder.complete(rest.as_bytes()), rest.len());
}
