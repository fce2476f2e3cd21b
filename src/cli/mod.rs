//! The command line.

<<<<<<< HEAD
pub mod config;
pub mod man;
=======
pub mod torrent;
>>>>>>> torrent

use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
