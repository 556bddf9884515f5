//! The components of the library that change a system, on throw-away hosts.
//!
//! | module | shows |
//! |---|---|
//! | `accounts` | users and groups |
//! | `sources` | checkouts and scripts of another user |
//! | `site` | a host, and environments that are deployed on it |

mod accounts;
mod site;
mod sources;

use site::Subject;
