//! What the book says, held against the code.
//!
//! | module | shows |
//! |---|---|
//! | `book` | that the book can be built, and its names of headings |
//! | `environments` | that the schema of environments refuses what the loader does, and nothing else |
//! | `events` | that events are what schema and page say |
//! | `pages` | that blocks, links, summary and generated parts are right |
//! | `said` | that what pages quote is said |

mod book;
mod environments;
mod events;
mod pages;
mod said;
