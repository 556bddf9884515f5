//! A program as it is pushed.

/// The program that runs as an agent, for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentBinary {
    /// SHA-256 of the program, 64 hexadecimal digits.
    pub digest: String,
    /// The target triple that it was built for.
    pub target: String,
    /// The size of the program in bytes.
    pub size: u64,
    /// The program, by gzip.
    pub compressed: Vec<u8>,
    /// The id of the build, which coordinator and agent have in common.
    pub build: String,
}
