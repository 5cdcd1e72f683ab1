//! The page around the pictures.

use std::fmt::Write;

use super::differences;
use super::trained_run::TrainedRun;
use crate::drawing::chart::colour;
use crate::drawing::html::escape;
use crate::drawing::{Inside, page};

/// The whole page.
pub(super) fn page(
    runs: &[TrainedRun],
    figures: &[(String, String)],
    inside: Option<&Inside>,
    skipped: &[String],
) -> String {
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let mut page = page::begun(&names.join(", "));
    for skipped in skipped {
        writeln!(page, "<p>{}</p>", escape(skipped)).expect("a string takes all");
    }
    write_table(&mut page, runs);
    differences::write(&mut page, runs);
    for (_, figure) in figures {
        page::write_figure(&mut page, figure);
    }
    if let Some(inside) = inside {
        inside.write(&mut page);
    }
    for run in runs {
        let name = escape(&run.name);
        let asked = escape(&run.description);
        let heading = if runs.len() > 1 {
            format!(" of {name}")
        } else {
            String::new()
        };
        write!(
            page,
            "<h2>What was asked for{heading}</h2>\n<details><summary>run.toml</summary>\
             <pre>{asked}</pre></details>\n<h2>Samples{heading}, as it learned</h2>\n"
        )
        .expect("a string takes all");
        for (index, (steps, sample)) in run.samples.iter().enumerate() {
            // The first and the last tell most.
            let open = index == 0 || index + 1 == run.samples.len();
            let open = if open { " open" } else { "" };
            let sample = escape(sample);
            writeln!(
                page,
                "<details{open}><summary>after {steps} steps</summary><pre>{sample}</pre></details>"
            )
            .expect("a string takes all");
        }
    }
    page::ended(page)
}

fn write_table(page: &mut String, runs: &[TrainedRun]) {
    page.push_str(
        "<table><tr><th>run<th>cell<th>layers<th>units<th>best held out<th>steps\
         <th>left out<th>seconds</tr>\n",
    );
    for (index, run) in runs.iter().enumerate() {
        let asked = &run.asked;
        let Rgb(red, green, blue) = Rgb::of(index);
        let (skipped, seconds) = run.totals();
        let best = run
            .best()
            .map_or_else(|| "none yet".to_string(), |best| format!("{best:.4}"));
        writeln!(
            page,
            "<tr><td><i style=\"background:rgb({red},{green},{blue})\"></i>{}<td>{}\
             <td class=n>{}<td class=n>{}<td class=n>{best}<td class=n>{}<td class=n>{skipped}\
             <td class=n>{seconds:.0}</tr>",
            escape(&run.name),
            asked.recurrence.cell.name(),
            asked.recurrence.layers,
            asked.recurrence.hidden,
            run.last_step(),
        )
        .expect("a string takes all");
    }
    page.push_str("</table>\n");
}

/// The colour of a run, as numbers.
struct Rgb(u8, u8, u8);

impl Rgb {
    fn of(index: usize) -> Self {
        let colour = colour(index);
        Self(colour.0, colour.1, colour.2)
    }
}
