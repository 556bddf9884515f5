//! Reads `#[attribute(…)]` of fields and variants, and `#[attributes(…)]` of types.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Ident, LitStr, Path, Token, Type, parenthesized, token};

use crate::defaults::FieldDefault;
use crate::errors::Errors;

/// What `#[attributes(…)]` of a type says.
#[derive(Default)]
pub struct TypeOptions {
    /// Where core is found.
    pub core: Option<Path>,
    /// The features that an environment may ask for.
    pub features: Vec<LitStr>,
    /// The features that hold when it names none.
    pub default_features: Vec<LitStr>,
}

/// What `#[attribute(…)]` of a field or a variant says.
#[derive(Default)]
pub struct FieldOptions {
    /// The value when the environment sets none.
    pub default: Option<FieldDefault>,
    /// The name in the environment file.
    pub name: Option<LitStr>,
    /// The option `skip`, where it was written.
    pub skip: Option<Path>,
    /// Whether serde reads the value.
    pub serde: bool,
}

/// Which options may be given at a place.
pub struct Place {
    name: &'static str,
    marker: &'static str,
    other_marker: &'static str,
    options: &'static [&'static str],
}

impl Place {
    /// A struct that may be a component.
    pub const COMPONENT: Self =
        Self::of_type("a struct", &["crate", "default_features", "features"]);
    /// A type that can only be the value of an attribute.
    pub const VALUE: Self = Self::of_type("an enum or a tuple struct", &["crate"]);
    /// A named field.
    pub const FIELD: Self = Self::inside("a field", &["default", "name", "serde", "skip"]);
    /// The field of a tuple struct.
    pub const INNER: Self = Self::inside("the field of a tuple struct", &["serde"]);
    /// A variant of an enum.
    pub const VARIANT: Self = Self::inside("a variant", &["name"]);

    const fn of_type(name: &'static str, options: &'static [&'static str]) -> Self {
        Self { name, marker: "attributes", other_marker: "attribute", options }
    }

    const fn inside(name: &'static str, options: &'static [&'static str]) -> Self {
        Self { name, marker: "attribute", other_marker: "attributes", options }
    }
}

impl TypeOptions {
    /// Reads the options of a type.
    pub fn read(attributes: &[Attribute], place: &Place, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        each(attributes, place, errors, |key, meta| {
            match key {
                "crate" => options.core = Some(meta.value()?.parse::<LitStr>()?.parse()?),
                "features" => options.features = names(meta)?,
                _ => options.default_features = names(meta)?,
            }
            Ok(())
        });
        options.check_features(errors);
        options
    }

    fn check_features(&self, errors: &mut Errors) {
        for list in [&self.features, &self.default_features] {
            unique(list.iter().map(|name| (name.value(), name)), "feature", errors);
        }
        let known: Vec<_> = self.features.iter().map(LitStr::value).collect();
        for name in self.default_features.iter().filter(|name| !known.contains(&name.value())) {
            let message = format!("default feature `{}` is not among the features", name.value());
            errors.at(name, message);
        }
    }
}

impl FieldOptions {
    /// Reads the options of a field or a variant.
    pub fn read(attributes: &[Attribute], place: &Place, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        each(attributes, place, errors, |key, meta| {
            match key {
                "default" if meta.input.peek(Token![=]) => {
                    options.default = Some(FieldDefault::of(meta.value()?.parse()?)?);
                }
                "default" => options.default = Some(FieldDefault::OfType),
                "name" => options.name = Some(name(meta)?),
                "skip" => options.skip = Some(meta.path.clone()),
                _ => options.serde = true,
            }
            Ok(())
        });
        if let Some(skip) = &options.skip
            && (options.default.is_some() || options.name.is_some() || options.serde)
        {
            errors.at(skip, "`skip` has no use for other options: the field is no attribute");
        }
        options
    }

    /// The name that was given, or else the one of the field or variant.
    pub fn name_or(&self, own: impl FnOnce() -> String) -> String {
        self.name.as_ref().map_or_else(own, LitStr::value)
    }

    /// Where the name was written.
    pub fn place(&self, own: impl ToTokens) -> TokenStream {
        self.name.as_ref().map_or_else(|| own.to_token_stream(), ToTokens::to_token_stream)
    }

    /// The type that implements `FromValue` for a field of the given type.
    ///
    /// Its tokens point at the field, so that a type that cannot be read is reported there.
    pub fn read_as(&self, of: &Type, core: &Path) -> TokenStream {
        if !self.serde {
            return of.to_token_stream();
        }
        let serde = quote!(#core::attributes::Serde).into_iter().map(|mut token| {
            token.set_span(token.span().located_at(of.span()));
            token
        });
        let serde: TokenStream = serde.collect();
        quote_spanned!(of.span()=> #serde::<#of>)
    }

    /// What follows a value of that type to have the field's own.
    pub fn unwrap(&self) -> TokenStream {
        if self.serde { quote!(.0) } else { TokenStream::new() }
    }
}

/// Reports every name that was there before.
pub fn unique<T: ToTokens>(
    names: impl IntoIterator<Item = (String, T)>,
    what: &str,
    errors: &mut Errors,
) {
    let mut seen = BTreeSet::new();
    for (name, place) in names {
        if seen.contains(&name) {
            errors.at(place, format!("{what} `{name}` is there twice"));
        }
        seen.insert(name);
    }
}

fn each(
    attributes: &[Attribute],
    place: &Place,
    errors: &mut Errors,
    mut read: impl FnMut(&str, &ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    let mut seen = BTreeSet::new();
    for attribute in attributes {
        if attribute.path().is_ident(place.other_marker) {
            let message = format!("write `#[{}(…)]` on {}", place.marker, place.name);
            errors.at(attribute.path(), message);
        }
        if !attribute.path().is_ident(place.marker) {
            continue;
        }
        let outcome = attribute.parse_nested_meta(|meta| {
            let key = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
            if !place.options.contains(&key.as_str()) {
                errors.push(unknown(&meta, place));
                pass_over(&meta)
            } else if !seen.insert(key.clone()) {
                errors.at(&meta.path, format!("option `{key}` is there twice"));
                pass_over(&meta)
            } else {
                read(&key, &meta).or_else(|error| go_on(error, &meta, errors))
            }
        });
        if let Err(error) = outcome {
            errors.push(error);
        }
    }
}

fn unknown(meta: &ParseNestedMeta<'_>, place: &Place) -> syn::Error {
    let key = meta.path.to_token_stream();
    let known = place.options.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let message = format!("unknown option `{key}`; {} may have {}", place.name, known.join(", "));
    syn::Error::new_spanned(&meta.path, message)
}

/// Reads past an option that is wrong, so that those after it are looked at as well.
fn pass_over(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(token::Paren) {
        let content;
        parenthesized!(content in meta.input);
        content.parse::<TokenStream>()?;
    }
    Ok(())
}

/// Keeps an error about a value that was read to its end, so that the options after it are looked
/// at as well.
fn go_on(error: syn::Error, meta: &ParseNestedMeta<'_>, errors: &mut Errors) -> syn::Result<()> {
    if !meta.input.is_empty() && !meta.input.peek(Token![,]) {
        return Err(error);
    }
    errors.push(error);
    Ok(())
}

fn name(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    checked(meta.value()?.parse()?)
}

fn names(meta: &ParseNestedMeta<'_>) -> syn::Result<Vec<LitStr>> {
    let content;
    parenthesized!(content in meta.input);
    let names = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
    names.into_iter().map(checked).collect()
}

fn checked(name: LitStr) -> syn::Result<LitStr> {
    if name.value().trim().is_empty() {
        return Err(syn::Error::new_spanned(name, "a name cannot be empty"));
    }
    Ok(name)
}
