//! `backdraft report` and `backdraft compare`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::drawing::{self, Overwriting};
use super::print::{print, print_json};
use super::tasks::with_task;
use crate::drawing::png::Rasteriser;
use crate::say::say;
use crate::{Run, RunReport, TrainError, report_runs, report_task};

#[derive(Debug, clap::Args)]
pub(super) struct Report {
    /// Folder of the run
    run: PathBuf,
    /// Page to write [default: report.html in the run]
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    #[command(flatten)]
    figures: Figures,
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
    #[command(flatten)]
    figures: Figures,
    #[command(flatten)]
    overwriting: Overwriting,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

/// Folders for the figures, each in a file of its own.
#[derive(Debug, clap::Args)]
struct Figures {
    /// Also write each figure to this folder, as SVG
    #[arg(long, value_name = "FOLDER")]
    svg: Option<PathBuf>,

    /// Also write each figure to this folder, as PNG
    #[arg(long, value_name = "FOLDER")]
    png: Option<PathBuf>,
}

impl Figures {
    /// The folders that are asked for, each with the option that asks for it.
    fn folders(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let folders = [("svg", self.svg.as_deref()), ("png", self.png.as_deref())];
        folders
            .into_iter()
            .filter_map(|(option, folder)| Some((option, folder?)))
    }

    /// Refuses what is no folder.
    fn check(&self) -> Result<(), TrainError> {
        match self.folders().find(|(_, folder)| folder.is_file()) {
            None => Ok(()),
            Some((setting, file)) => Err(TrainError::Invalid {
                setting,
                expected: "a folder, in which each figure is a file".to_string(),
                found: format!("a file, {}", file.display()),
            }),
        }
    }

    /// The files of pictures, with what is in them.
    fn files(
        &self,
        pictures: &[(String, String)],
        overwriting: Overwriting,
    ) -> Result<Vec<(PathBuf, Vec<u8>)>, TrainError> {
        let mut files = Vec::new();
        for (option, folder) in self.folders() {
            let rasteriser = (option == "png").then(Rasteriser::new).transpose()?;
            for (name, svg) in pictures {
                let path = folder.join(format!("{name}.{option}"));
                overwriting.check(option, &path)?;
                let content = match &rasteriser {
                    Some(rasteriser) => rasteriser.png(svg)?,
                    None => svg.clone().into_bytes(),
                };
                files.push((path, content));
            }
        }
        Ok(files)
    }
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
    let run = arguments.run.as_path();
    let (_, task, _) = Run::asked(run)?;
    let draw = || with_task!(task.as_str(), |Named| report_task::<Named>(run));
    let written = write(draw, &out, &arguments.figures, arguments.overwriting)?;
    written.tell(arguments.json)
}

pub(super) fn compare(arguments: &Compare) -> Result<(), TrainError> {
    let runs: Vec<&Path> = arguments.runs.iter().map(PathBuf::as_path).collect();
    let draw = || report_runs(&runs);
    let (out, figures) = (&arguments.out, &arguments.figures);
    let written = write(draw, out, figures, arguments.overwriting)?;
    written.tell(arguments.json)
}

fn write(
    draw: impl FnOnce() -> Result<RunReport, TrainError>,
    out: &Path,
    figures: &Figures,
    overwriting: Overwriting,
) -> Result<Written, TrainError> {
    drawing::check_folder("out", out)?;
    overwriting.check("out", out)?;
    figures.check()?;
    let report = draw()?;
    let files = figures.files(&report.pictures, overwriting)?;
    for (_, folder) in figures.folders() {
        std::fs::create_dir_all(folder).map_err(|error| TrainError::Unwritable {
            path: folder.to_path_buf(),
            error,
        })?;
    }
    drawing::write(out, &report.page)?;
    for (path, content) in &files {
        drawing::write(path, content)?;
    }
    Ok(Written {
        page: out.display().to_string(),
        figures: files
            .iter()
            .map(|(path, _)| path.display().to_string())
            .collect(),
        skipped: report.skipped,
    })
}
