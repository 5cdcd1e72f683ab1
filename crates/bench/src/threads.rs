//! The same number of threads for everything.

use std::num::NonZeroUsize;

use crate::{BenchError, DeviceChoice};

/// Sets the number of threads of this process: those of our kernels, of Flex and of NdArray's
/// elementwise operations. `None` is one for each core. It can be set once.
///
/// # Errors
///
/// When threads run already, or as many cannot be started.
pub fn set_threads(threads: Option<NonZeroUsize>) -> Result<usize, BenchError> {
    let threads = count(threads);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global().map_err(|error| BenchError::Threads {
        threads,
        reason: error.to_string(),
    })?;
    Ok(threads)
}

fn count(threads: Option<NonZeroUsize>) -> usize {
    let threads = threads.map(Ok);
    let threads = threads.unwrap_or_else(std::thread::available_parallelism);
    threads.map_or(1, NonZeroUsize::get)
}

/// NdArray's matrix products have threads of their own (four at most), whose number they read from
/// this variable, once.
const OF_NDARRAY: &str = "MATMUL_NUM_THREADS";

/// Starts this program again with as many threads for NdArray's matrix products as for everything
/// else, if it is to be measured and the number is another one. Where that worked, there is no
/// return; a process cannot safely change its own environment.
pub(crate) fn equal_for_ndarray(
    devices: &[DeviceChoice],
    threads: Option<NonZeroUsize>,
) -> Result<(), BenchError> {
    let threads = count(threads);
    let set = std::env::var(OF_NDARRAY).is_ok_and(|set| set == threads.to_string());
    let measured = devices.contains(&DeviceChoice::NdArray) && DeviceChoice::NdArray.is_built();
    if set || !measured {
        return Ok(());
    }
    let failed = |error: std::io::Error| BenchError::Threads {
        threads,
        reason: error.to_string(),
    };
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = std::process::Command::new(program);
    command.args(std::env::args_os().skip(1));
    command.env(OF_NDARRAY, threads.to_string());
    Err(failed(replace_by(&mut command)))
}

/// Runs `command` in the place of this process.
#[cfg(unix)]
fn replace_by(command: &mut std::process::Command) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(command)
}

/// Runs `command` and ends as it does.
#[cfg(not(unix))]
fn replace_by(command: &mut std::process::Command) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
