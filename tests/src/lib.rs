//! Tests of togusa that need real processes and hosts, and what these tests have in common.
//!
//! | module        | holds                                                            |
//! |---------------|------------------------------------------------------------------|
//! | `built`       | whether cargo has to be asked for a program                     |
//! | `example`     | the program of `examples/hello`, built with its agent           |
//! | `lab`         | real SSH hosts, to deploy to and to break                        |
//! | `lab_subject` | the program that is deployed to them                             |
//! | `library_subject` | the program that deploys the library's components on such a host |
//! | `new_project` | projects made by `togusa new`, and the commands in them           |
//! | `project`     | a project of that program, its runs and their events             |
//! | `tap`         | what coordinator and agents said to each other                   |

pub mod built;
pub mod example;
pub mod lab;
pub mod lab_subject;
pub mod library_subject;
pub mod new_project;
pub mod project;
pub mod tap;
