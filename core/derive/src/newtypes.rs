//! Writes the impl of tuple structs with one field.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, FieldsUnnamed};

use crate::core_path::core_path;
use crate::errors::Errors;
use crate::options::{FieldOptions, Place, TypeOptions};

/// `FromValue` for a tuple struct: what its field is read from.
pub fn newtype(input: &DeriveInput, fields: &FieldsUnnamed, errors: &mut Errors) -> TokenStream {
    let options = TypeOptions::read(&input.attrs, &Place::VALUE, errors);
    let (Some(field), 1) = (fields.unnamed.first(), fields.unnamed.len()) else {
        let message = "a tuple struct needs exactly one field to be an attribute; name the fields";
        errors.at(fields, message);
        return TokenStream::new();
    };
    let field_options = FieldOptions::read(&field.attrs, &Place::INNER, errors);

    let core = core_path(&options);
    let (ident, inner) = (&input.ident, &field.ty);
    let (read_as, unwrap) = (field_options.read_as(inner, &core), field_options.unwrap());
    quote! {
        #[automatically_derived]
        impl #core::attributes::FromValue for #ident {
            fn from_value(
                value: &#core::value::Value,
                reader: &mut #core::attributes::Reader<'_>,
            ) -> ::core::option::Option<Self> {
                let inner = <#read_as as #core::attributes::FromValue>::from_value(value, reader)?;
                ::core::option::Option::Some(Self(inner #unwrap))
            }

            fn type_name() -> ::std::string::String {
                <#read_as as #core::attributes::FromValue>::type_name()
            }

            fn shape() -> #core::attributes::Shape {
                <#read_as as #core::attributes::FromValue>::shape()
            }
        }
    }
}
