//! The derive macro for attributes of togusa components.
//!
//! Use it through core, which re-exports it beside the trait: `togusa::core::attributes::Attributes`
//! or `togusa_core::attributes::Attributes`.
//!
//! | file         | does                                                              |
//! |--------------|-------------------------------------------------------------------|
//! | `structs`    | writes the impls of structs with fields and of unit structs       |
//! | `newtypes`   | writes the impl of tuple structs with one field                   |
//! | `enums`      | writes the impl of enums without fields                           |
//! | `options`    | reads `#[attribute(…)]` and `#[attributes(…)]`                    |
//! | `defaults`   | reads a default and writes it as an environment file would        |
//! | `source`     | records where the source lies and embeds the files beside it      |
//! | `core_path`  | finds the path under which the deriving crate knows core          |
//! | `text`       | turns documentation, expressions and names into text              |
//! | `errors`     | collects every mistake before the first is reported               |

mod core_path;
mod defaults;
mod enums;
mod errors;
mod newtypes;
mod options;
mod source;
mod structs;
mod text;

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput, Fields, parse_macro_input};

use crate::errors::Errors;

/// Derives how a type is read from what an environment sets.
///
/// | shape                                     | implements                   | is set by                |
/// |-------------------------------------------|------------------------------|--------------------------|
/// | `struct App { port: u16 }`                | `Attributes` and `FromValue` | a table                  |
/// | `struct Nginx;`                           | `Attributes`                 | an empty table           |
/// | `struct Port(u16);`                       | `FromValue`                  | what sets the inner type |
/// | `enum Mode { Fast, VerySafe }`            | `FromValue`                  | `"fast"`, `"very-safe"`  |
///
/// Types with generics, unions, and enums with fields are refused.
///
/// # Fields
///
/// The name of an attribute is the name of its field, its documentation is that of the field. A field
/// must be set unless it has a default; the default of an `Option` is `None`.
///
/// - `#[attribute(default = 8080)]`: a literal is read as if the environment had set it, so that
///   `default = "10s"` works for a `Duration`; any other expression is used as it is.
/// - `#[attribute(default)]`: the default of the type, by the trait `Default`.
/// - `#[attribute(name = "work-dir")]`: another name than the field's.
/// - `#[attribute(skip)]`: no attribute; the field starts with the default of its type.
/// - `#[attribute(serde)]`: the type is read by its `serde::Deserialize` instead of `FromValue`. Also
///   for the field of a tuple struct.
///
/// # Variants
///
/// - `#[attribute(name = "http1.1")]`: another name than the variant's in kebab case.
///
/// # Types
///
/// - `#[attributes(features("web", "worker"))]`: the features that an environment may ask for.
/// - `#[attributes(default_features("web"))]`: those that hold when it names none.
/// - `#[attributes(crate = "path::to::core")]`: where core is found. Without it, a crate whose
///   `Cargo.toml` depends on `togusa-core` uses `::togusa_core`, any other `::togusa::core`; a crate
///   that renames its dependency needs this.
///
/// # Assets
///
/// Every struct records its source file. In a crate compiled from a package registry or a git
/// checkout, or with `TOGUSA_EMBED` set to anything but `0` while compiling, the files below the
/// directory of that source file, except Rust's own, are embedded in the binary. Cargo notices when
/// an embedded file or the text of `TOGUSA_EMBED` changes, not when a file is added.
#[proc_macro_derive(Attributes, attributes(attribute, attributes))]
pub fn derive_attributes(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    if let Some(parameter) = input.generics.params.first() {
        errors.at(parameter, "`Attributes` cannot be derived for a type with generics");
    }
    let code = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => structs::named(input, fields, &mut errors),
            Fields::Unit => structs::unit(input, &mut errors),
            Fields::Unnamed(fields) => newtypes::newtype(input, fields, &mut errors),
        },
        Data::Enum(data) => enums::choice(input, data, &mut errors),
        Data::Union(data) => {
            errors.at(data.union_token, "`Attributes` cannot be derived for a union");
            TokenStream::new()
        }
    };
    errors.finish(code)
}
