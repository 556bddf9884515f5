//! Turns documentation, expressions and names into text.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::{Attribute, Expr, Lit, Meta};

/// The documentation comment: a line for each paragraph, none for what is not written in place.
pub fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let mut paragraphs = vec![String::new()];
    for text in lines.filter_map(literal) {
        for line in text.lines().map(str::trim) {
            match paragraphs.last_mut() {
                Some(last) if !line.is_empty() => {
                    last.push_str(if last.is_empty() { "" } else { " " });
                    last.push_str(line);
                }
                _ => paragraphs.push(String::new()),
            }
        }
        if text.is_empty() {
            paragraphs.push(String::new());
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n")
}

fn literal(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let Expr::Lit(value) = &pair.value else { return None };
    let Lit::Str(text) = &value.lit else { return None };
    Some(text.value())
}

/// The name of a variant in kebab case: `HttpProxy` and `HTTPProxy` are `http-proxy`.
pub fn kebab_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut kebab = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                before != '_'
                    && (!before.is_uppercase() || after.is_some_and(|next| next.is_lowercase()))
            });
        if starts_word {
            kebab.push('-');
        }
        match letter {
            '_' => kebab.push('-'),
            _ => kebab.extend(letter.to_lowercase()),
        }
    }
    kebab
}

/// The tokens as they were written, with one space wherever there was room between two of them.
///
/// The compiler's own text of tokens that went through a parser has spaces around every `::`.
pub fn source(tokens: TokenStream) -> String {
    let mut writer = Writer::default();
    writer.tokens(tokens);
    writer.text
}

#[derive(Default)]
struct Writer {
    text: String,
    end: Option<Place>,
}

#[derive(Clone, Copy, PartialEq)]
struct Place {
    line: usize,
    column: usize,
}

impl Writer {
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            let (start, end) = places(token.span());
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    // After a parser, both delimiters have the span of the whole group.
                    let inner = Place { column: start.column + open.len(), ..start };
                    self.write(open, start, inner);
                    self.tokens(group.stream());
                    let inner = Place { column: end.column.saturating_sub(close.len()), ..end };
                    self.write(close, inner, end);
                }
                other => self.write(&other.to_string(), start, end),
            }
        }
    }

    fn write(&mut self, text: &str, start: Place, end: Place) {
        if self.end.is_some_and(|before| before != start) {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.end = Some(end);
    }
}

fn places(span: Span) -> (Place, Place) {
    let place = |at: proc_macro::Span| Place { line: at.line(), column: at.column() };
    let span = span.unwrap();
    (place(span.start()), place(span.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_variants_are_joined_by_dashes() {
        for (name, kebab) in [
            ("Fast", "fast"),
            ("VerySafe", "very-safe"),
            ("HTTPProxy", "http-proxy"),
            ("OverTCP", "over-tcp"),
            ("Tls12", "tls12"),
            ("A", "a"),
            ("snake_case", "snake-case"),
        ] {
            assert_eq!(kebab_case(name), kebab);
        }
    }

    #[test]
    fn paragraphs_of_documentation_become_lines() {
        let field: syn::Field = syn::parse_quote! {
            /// One
            /// paragraph.
            ///
            ///
            /// Another.
            ///
            field: u8
        };
        assert_eq!(documentation(&field.attrs), "One paragraph.\nAnother.");
    }
}
