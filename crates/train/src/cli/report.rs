//! `backdraft report` and `backdraft compare`.

use std::path::{Path, PathBuf};

use super::drawing::{self, Overwriting};
use super::print::print;
use crate::say::say;
use crate::{TrainError, report_runs};

#[derive(Debug, clap::Args)]
pub(super) struct Report {
    /// Folder of the run
    run: PathBuf,
    /// Page to write [default: report.html in the run]
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Also write each figure to this folder, as SVG
    #[arg(long, value_name = "FOLDER")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    overwriting: Overwriting,
}

#[derive(Debug, clap::Args)]
pub(super) struct Compare {
    /// Folders of the runs
    #[arg(required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// Page to write
    #[arg(long, value_name = "FILE.html", default_value = "compare.html")]
    out: PathBuf,
    /// Also write each figure to this folder, as SVG
    #[arg(long, value_name = "FOLDER")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    overwriting: Overwriting,
}

pub(super) fn report(arguments: &Report) -> Result<(), TrainError> {
    let default = || arguments.run.join("report.html");
    let out = arguments.out.clone().unwrap_or_else(default);
    let svg = arguments.svg.as_deref();
    write(&[&arguments.run], &out, svg, arguments.overwriting)
}

pub(super) fn compare(arguments: &Compare) -> Result<(), TrainError> {
    let runs: Vec<&Path> = arguments.runs.iter().map(PathBuf::as_path).collect();
    let svg = arguments.svg.as_deref();
    write(&runs, &arguments.out, svg, arguments.overwriting)
}

fn write(
    runs: &[&Path],
    out: &Path,
    svg: Option<&Path>,
    overwriting: Overwriting,
) -> Result<(), TrainError> {
    overwriting.check("out", out)?;
    let report = report_runs(runs)?;
    for skipped in &report.skipped {
        say(format_args!("warning: {skipped}"));
    }
    let figures: Vec<(PathBuf, &str)> = svg
        .into_iter()
        .flat_map(|folder| {
            let figures = report.figures.iter();
            figures.map(|(name, svg)| (folder.join(format!("{name}.svg")), svg.as_str()))
        })
        .collect();
    for (path, _) in &figures {
        overwriting.check("svg", path)?;
    }
    if let Some(folder) = svg {
        std::fs::create_dir_all(folder).map_err(|error| TrainError::Unwritable {
            path: folder.to_path_buf(),
            error,
        })?;
    }
    let page = (out.to_path_buf(), report.page.as_str());
    let mut told = String::new();
    for (path, content) in std::iter::once(page).chain(figures) {
        drawing::write(&path, content)?;
        told.push_str(&format!("{}\n", path.display()));
    }
    print(&told)
}
