//! URLs as they may be shown.

use crate::file::Text;

/// A URL without user and password; one that is a secret is not shown.
pub(super) fn shown(url: &Text) -> String {
    match url.as_str() {
        Ok(text) if !url.is_secret() => format!("`{}`", without_password(text)),
        _ => "a secret URL".to_owned(),
    }
}

/// The URL without what stands before an `@` in its host.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_user_and_password() {
        for (url, shown) in [
            ("https://a.org/x?y=@z", "https://a.org/x?y=@z"),
            ("https://u:p@a.org/x", "https://a.org/x"),
            ("https://u:p@q@a.org:80", "https://a.org:80"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
