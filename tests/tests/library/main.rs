//! The components of the library that change a system, on throw-away hosts.
//!
//! | module | shows |
//! |---|---|
//! | `accounts` | users and groups |
//! | `site` | a host, and environments that are deployed on it |

mod accounts;
mod site;

use site::Subject;
