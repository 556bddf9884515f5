//! What happens at its time.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`Cron`] | one job of cron |
//! | [`Logrotate`] | how logs are rotated |

mod cron;
mod logrotate;

pub use cron::Cron;
pub use logrotate::Logrotate;
