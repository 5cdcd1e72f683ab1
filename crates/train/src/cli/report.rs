//! `backdraft report` and `backdraft compare`.

use std::path::{Path, PathBuf};

use super::print::print;
use crate::{TrainError, report_runs};

#[derive(Debug, clap::Args)]
pub(super) struct Report {
    /// The run folder
    run: PathBuf,
    /// The page to write [default: report.html in the run]
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Write each figure as an SVG file into this folder, too
    #[arg(long, value_name = "FOLDER")]
    svg: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Compare {
    /// The run folders
    #[arg(required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// The page to write
    #[arg(long, value_name = "FILE.html", default_value = "compare.html")]
    out: PathBuf,
    /// Write each figure as an SVG file into this folder, too
    #[arg(long, value_name = "FOLDER")]
    svg: Option<PathBuf>,
}

pub(super) fn report(arguments: &Report) -> Result<(), TrainError> {
    let default = || arguments.run.join("report.html");
    let out = arguments.out.clone().unwrap_or_else(default);
    write(&[&arguments.run], &out, arguments.svg.as_deref())
}

pub(super) fn compare(arguments: &Compare) -> Result<(), TrainError> {
    let runs: Vec<&Path> = arguments.runs.iter().map(PathBuf::as_path).collect();
    write(&runs, &arguments.out, arguments.svg.as_deref())
}

fn write(runs: &[&Path], out: &Path, svg: Option<&Path>) -> Result<(), TrainError> {
    let report = report_runs(runs)?;
    let mut told = String::new();
    put(out, &report.page, &mut told)?;
    if let Some(folder) = svg {
        std::fs::create_dir_all(folder).map_err(|error| TrainError::Unwritable {
            path: folder.to_path_buf(),
            error,
        })?;
        for (name, figure) in &report.figures {
            put(&folder.join(format!("{name}.svg")), figure, &mut told)?;
        }
    }
    print(&told)
}

fn put(path: &Path, content: &str, told: &mut String) -> Result<(), TrainError> {
    std::fs::write(path, content).map_err(|error| TrainError::Unwritable {
        path: path.to_path_buf(),
        error,
    })?;
    told.push_str(&format!("{}\n", path.display()));
    Ok(())
}
