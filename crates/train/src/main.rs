//! The program `backdraft`: see [`backdraft_train::cli`].

fn main() -> std::process::ExitCode {
    backdraft_train::cli::run()
}
