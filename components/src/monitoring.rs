//! What watches a host from elsewhere.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`CheckFile`] | a check that an agent of monitoring runs: NRPE, Sensu, Icinga |
//! | [`PrometheusTarget`] | a file that tells Prometheus whom to ask |

mod check_file;
mod prometheus_target;

pub use check_file::CheckFile;
pub use prometheus_target::PrometheusTarget;
