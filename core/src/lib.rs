//! The model and the engine of togusa.
extern crate self as togusa_core;
pub mod address;
pub mod assets;
pub mod attributes;
pub mod digest;
pub mod environment;
pub mod names;
pub mod path;
pub mod problem;
pub mod resource;
pub mod template;
pub mod value;
pub mod verdict;
