//! `backdraft report` and `backdraft compare`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::drawing::{self, Overwriting};
use super::print::{print, print_json};
use super::tasks::with_task;
use crate::say::say;
use crate::{Run, RunReport, TrainError, report_runs, report_task};

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
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
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
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    page: String,
    figures: Vec<String>,
    /// What of the runs could not be drawn, and why.
    skipped: Vec<String>,
}

impl Written {
    fn tell(&self, json: bool) -> Result<(), TrainError> {
        for skipped in &self.skipped {
            say(format_args!("warning: {skipped}"));
        }
        if json {
            return print_json(self);
        }
        let files = std::iter::once(&self.page).chain(&self.figures);
        let lines: String = files.map(|file| format!("{file}\n")).collect();
        print(&lines)
    }
}

pub(super) fn report(arguments: &Report) -> Result<(), TrainError> {
    let default = || arguments.run.join("report.html");
    let out = arguments.out.clone().unwrap_or_else(default);
    let svg = arguments.svg.as_deref();
    let run = arguments.run.as_path();
    let (_, task, _) = Run::asked(run)?;
    let draw = || with_task!(task.as_str(), |Named| report_task::<Named>(run));
    let written = write(draw, &out, svg, arguments.overwriting)?;
    written.tell(arguments.json)
}

pub(super) fn compare(arguments: &Compare) -> Result<(), TrainError> {
    let runs: Vec<&Path> = arguments.runs.iter().map(PathBuf::as_path).collect();
    let svg = arguments.svg.as_deref();
    let draw = || report_runs(&runs);
    let written = write(draw, &arguments.out, svg, arguments.overwriting)?;
    written.tell(arguments.json)
}

fn write(
    draw: impl FnOnce() -> Result<RunReport, TrainError>,
    out: &Path,
    svg: Option<&Path>,
    overwriting: Overwriting,
) -> Result<Written, TrainError> {
    drawing::check_folder("out", out)?;
    overwriting.check("out", out)?;
    if let Some(file) = svg.filter(|folder| folder.is_file()) {
        return Err(TrainError::Invalid {
            setting: "svg",
            expected: "a folder, in which each figure is a file".to_string(),
            found: format!("a file, {}", file.display()),
        });
    }
    let report = draw()?;
    let figures: Vec<(PathBuf, &str)> = svg
        .into_iter()
        .flat_map(|folder| {
            let figures = report.pictures.iter();
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
    drawing::write(out, &report.page)?;
    for (path, content) in &figures {
        drawing::write(path, content)?;
    }
    Ok(Written {
        page: out.display().to_string(),
        figures: figures
            .iter()
            .map(|(path, _)| path.display().to_string())
            .collect(),
        skipped: report.skipped.clone(),
    })
}
