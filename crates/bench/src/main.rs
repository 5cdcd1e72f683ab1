//! The program `backdraft-bench`: see [`backdraft_bench::cli`].

use std::process::ExitCode;

use cap::Cap;
use mimalloc::MiMalloc;

/// The allocator of `backdraft`, for everything that is measured in this process; and the count of
/// what is allocated, which is how `scaling` knows the bytes that are kept for backward.
#[global_allocator]
static ALLOCATOR: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

fn main() -> ExitCode {
    backdraft_kernels::keep_pages();
    backdraft_bench::count_bytes_with(|| ALLOCATOR.allocated());
    backdraft_bench::cli::run()
}
