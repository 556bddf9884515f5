//! What shows a secret, and what does not.

use super::*;

#[test]
fn a_secret_is_shown_nowhere() {
    let secret = Secret::new("tr0ub4dor");
    assert_eq!(format!("{secret}, {secret:?}, {secret:#?}"), "[secret], [secret], [secret]");
    assert_eq!(serde_json::to_string(&secret).unwrap(), r#""[secret]""#);
    let error = serde_json::from_str::<Vec<Secret>>(r#"[{"$other": "tr0ub4dor"}]"#);
    assert!(!error.unwrap_err().to_string().contains("tr0ub4dor"));
}

#[test]
fn what_is_handed_over_comes_back() {
    let texts = ["", "x", "two\nlines \u{1f511}", "\"{{ quoted }}\""];
    for text in texts.map(Secret::new) {
        let json = revealing(|| serde_json::to_string(&text)).unwrap();
        assert_eq!(serde_json::from_str::<Secret>(&json).unwrap(), text);
    }
    let bytes = Secret::new(vec![0, 255, 128, b'a']);
    let json = revealing(|| serde_json::to_string(&bytes)).unwrap();
    assert_eq!(serde_json::from_str::<Secret<Vec<u8>>>(&json).unwrap(), bytes);
    assert!(serde_json::from_str::<Secret>(&json).is_err(), "bytes are no text");
    let placeholder = Secret::<String>::placeholder("password");
    let json = revealing(|| serde_json::to_string(&placeholder)).unwrap();
    assert!(serde_json::from_str::<Secret>(&json).unwrap().is_placeholder());
}

#[test]
fn a_text_does_not_read_a_secret() {
    let json = revealing(|| serde_json::to_string(&Secret::new("x"))).unwrap();
    assert!(serde_json::from_str::<String>(&json).is_err());
}

#[test]
fn a_panic_ends_the_revealing() {
    let secret = Secret::new("tr0ub4dor");
    let panicked = std::panic::catch_unwind(|| revealing(|| revealing(|| panic!("on purpose"))));
    assert!(panicked.is_err());
    assert_eq!(serde_json::to_string(&secret).unwrap(), r#""[secret]""#);
    revealing(|| {
        let inner = std::panic::catch_unwind(|| revealing(|| panic!("on purpose")));
        assert!(inner.is_err());
        assert!(serde_json::to_string(&secret).unwrap().contains("tr0ub4dor"));
    });
}

mod masking;
