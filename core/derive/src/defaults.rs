//! Reads the default of a field and writes it as an environment file would.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, ExprUnary, Lit, Type, UnOp};

use crate::text;

/// What an attribute is when the environment does not set it.
pub enum FieldDefault {
    /// The default of the field's type.
    OfType,
    /// A text, a number or a boolean, to be read like a value from an environment.
    Literal {
        /// Tokens that convert into core's `Value`.
        value: TokenStream,
        /// The literal in an environment file.
        text: String,
    },
    /// Any other expression, of the field's type.
    Expression(Box<Expr>),
}

impl FieldDefault {
    /// Tells literals from other expressions.
    pub fn of(expression: Expr) -> syn::Result<Self> {
        match &expression {
            Expr::Group(group) => Self::of((*group.expr).clone()),
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Ok(Self::literal(text, toml_string(&text.value()))),
                Lit::Bool(flag) => Ok(Self::literal(flag, flag.value)),
                Lit::Int(_) | Lit::Float(_) => Self::number("", &literal.lit),
                _ => Ok(Self::Expression(Box::new(expression))),
            },
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr: inner, .. }) => match &**inner {
                Expr::Lit(literal) => Self::number("-", &literal.lit),
                _ => Ok(Self::Expression(Box::new(expression))),
            },
            _ => Ok(Self::Expression(Box::new(expression))),
        }
    }

    fn literal(value: impl ToTokens, text: impl Display) -> Self {
        Self::Literal { value: value.to_token_stream(), text: text.to_string() }
    }

    fn number(sign: &str, literal: &Lit) -> syn::Result<Self> {
        let (text, suffix) = match literal {
            Lit::Int(number) => (format!("{sign}{}", number.base10_digits()), "i64"),
            Lit::Float(number) => (format!("{sign}{}", number.base10_digits()), "f64"),
            _ => return Err(syn::Error::new_spanned(literal, "expected a number")),
        };
        if suffix == "i64" && text.parse::<i64>().is_err() {
            let message = "an environment holds integers of 64 bits with a sign";
            return Err(syn::Error::new_spanned(literal, message));
        }
        let value: TokenStream = format!("{text}{suffix}").parse()?;
        Ok(Self::Literal { value, text })
    }

    /// The default as documentation shows it.
    pub fn text(&self, of: &Type) -> String {
        match self {
            Self::OfType => text_of_type(of).to_owned(),
            Self::Literal { text, .. } => text.clone(),
            Self::Expression(expression) => text::source(expression.to_token_stream()),
        }
    }

    /// The expression of the field's type, for defaults that are no literal.
    pub fn expression(&self, of: &Type) -> TokenStream {
        match self {
            Self::Expression(expression) => expression.to_token_stream(),
            _ => quote!(<#of as ::core::default::Default>::default()),
        }
    }
}

/// Whether a type is an `Option`, as far as its name tells.
pub fn is_option(of: &Type) -> bool {
    last_name(of) == "Option"
}

fn text_of_type(of: &Type) -> &'static str {
    match last_name(of).as_str() {
        "Option" => "none",
        "bool" => "false",
        "String" | "PathBuf" => "\"\"",
        "Vec" | "BTreeSet" => "[]",
        "BTreeMap" => "{}",
        "i8" | "i16" | "i32" | "i64" | "isize" | "u8" | "u16" | "u32" | "u64" | "usize" => "0",
        "f64" => "0.0",
        _ => "default of the type",
    }
}

fn last_name(of: &Type) -> String {
    match of {
        Type::Group(group) => last_name(&group.elem),
        Type::Paren(group) => last_name(&group.elem),
        Type::Path(path) => {
            path.path.segments.last().map(|part| part.ident.to_string()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn toml_string(text: &str) -> String {
    let escape = |letter: char| match letter {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        _ if letter.is_control() => format!("\\u{:04X}", u32::from(letter)),
        _ => letter.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}
