//! The example `shop`, deployed as its README says, and what its users and its operators see.
//!
//! | module | shows |
//! |---|---|
//! | `dev` | one machine, and nobody is root |
//! | `project` | a copy of the example, and the deployments of it |
//! | `staging` | three hosts over SSH: changes, damage, a backup, another password |

mod dev;
mod project;
mod staging;
