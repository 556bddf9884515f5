//! What a user sees of deployments: on terminals of several widths, with and without colour, in
//! their midst and at their end, and where there is no terminal.
//!
//! | module | shows |
//! |---|---|
//! | `live` | hosts that run, and what is left of that |
//! | `plain` | what is printed where no terminal is |
//! | `project` | hosts that wait until the test lets them go on |
//! | `terminal` | a pseudo-terminal, and what its screen shows |

mod live;
mod plain;
mod project;
mod terminal;

use project::Project;

/// Three hosts: one that does well, one with a long name for what it does, one that fails.
fn three() -> Project {
    let long = "name = \"migrate the tables of the shop, then rebuild each index that they have, \
                and 数据库 \\u00e4nderungen last of all\"";
    Project::new(&[("db", "fails = true"), ("web1", ""), ("web2", long)])
}
