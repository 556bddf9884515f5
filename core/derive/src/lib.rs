//! The derive macro for attributes of togusa components.
