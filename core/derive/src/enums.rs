//! Writes the impl of enums without fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{DataEnum, DeriveInput};

use crate::core_path::core_path;
use crate::errors::Errors;
use crate::options::{FieldOptions, Place, TypeOptions, unique};
use crate::text::kebab_case;

/// `FromValue` for an enum: a text that names a variant.
pub fn choice(input: &DeriveInput, data: &DataEnum, errors: &mut Errors) -> TokenStream {
    let options = TypeOptions::read(&input.attrs, &Place::VALUE, errors);
    if data.variants.is_empty() {
        errors.at(&input.ident, "an enum without variants has no value to read");
    }
    let mut names = Vec::new();
    let mut places = Vec::new();
    for variant in &data.variants {
        if !variant.fields.is_empty() {
            errors.at(&variant.fields, "a variant with fields cannot be an attribute");
        }
        let options = FieldOptions::read(&variant.attrs, &Place::VARIANT, errors);
        places.push(options.place(&variant.ident));
        names.push(options.name_or(|| kebab_case(&variant.ident.unraw().to_string())));
    }
    unique(names.iter().cloned().zip(places), "name", errors);

    let core = core_path(&options);
    let ident = &input.ident;
    let type_name = names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" | ");
    let choices = data.variants.iter().zip(&names).map(|(variant, name)| {
        let (variant, empty) = (&variant.ident, empty(&variant.fields));
        quote!((#name, #ident::#variant #empty))
    });
    quote! {
        #[automatically_derived]
        impl #core::attributes::FromValue for #ident {
            fn from_value(
                value: &#core::value::Value,
                reader: &mut #core::attributes::Reader<'_>,
            ) -> ::core::option::Option<Self> {
                reader.choice(value, [#(#choices),*])
            }

            fn type_name() -> ::std::string::String {
                ::std::string::String::from(#type_name)
            }

            fn shape() -> #core::attributes::Shape {
                #core::attributes::Shape::Choice(&[#(#names),*])
            }
        }
    }
}

/// What a variant without fields needs after its name.
fn empty(fields: &syn::Fields) -> TokenStream {
    match fields {
        syn::Fields::Named(_) => quote!({}),
        syn::Fields::Unnamed(_) => quote!(()),
        syn::Fields::Unit => TokenStream::new(),
    }
}
