//! The program `backdraft`: see [`backdraft_train::cli`].

/// Training asks for the same large buffers at each step. The system's allocator may give each back
/// to the system and fetch it again page by page, which takes longer than what is computed in it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    backdraft_kernels::keep_pages();
    backdraft_train::cli::run()
}
