//! The program: parses arguments, runs one command, reports, exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    podseed::cli::main()
}
