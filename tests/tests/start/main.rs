//! The installed command `togusa`: the first steps of somebody who begins.
//!
//! | module | shows |
//! |---|---|
//! | `first` | a new project is built, tested, deployed and added to |
//! | `hand_over` | the installed command becomes the program of the project |
//! | `mistakes` | what newcomers do wrong, and what they are told |
//! | `shared` | a component crate from a registry |
//! | `written` | what is written is whole, and nothing is overwritten |

mod first;
mod hand_over;
mod mistakes;
mod shared;
mod written;
