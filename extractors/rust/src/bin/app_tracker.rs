//! `app_tracker`: see [`seclyzer_extractors`].

use std::process::ExitCode;

fn main() -> ExitCode {
    seclyzer_extractors::cli::main(seclyzer_extractors::schema::Kind::App)
}
