//! A page with every model on one split: the table, and what is drawn of it.

use std::fmt::Write;

use super::Baselines;
use crate::drawing::html::escape;
use crate::drawing::page;

impl Baselines {
    /// A page of one file, with the table and what the models said of what is held out.
    pub fn page(&self) -> String {
        let mut text = page::begun(&format!("{}: models beside each other", self.data));
        write!(
            text,
            "<p>{} learned from and {} held out, on {}.</p>\n<table><tr><th>model",
            self.learned_from,
            self.held_out,
            escape(&self.device)
        )
        .expect("a string takes all");
        for name in &self.figures {
            write!(text, "<th>{}", name.replace('_', " ")).expect("a string takes all");
        }
        text.push_str("<th>parameters<th>fit, s<th>step, us</tr>\n");
        for row in &self.rows {
            write!(text, "<tr><td>{}", escape(&row.model)).expect("a string takes all");
            for name in &self.figures {
                let figure = row.figures.get(name);
                let figure = figure.map_or("-".to_string(), |figure| format!("{figure:.4}"));
                write!(text, "<td class=n>{figure}").expect("a string takes all");
            }
            writeln!(
                text,
                "<td class=n>{}<td class=n>{:.1}<td class=n>{:.1}</tr>",
                row.parameters, row.fit_seconds, row.step_microseconds
            )
            .expect("a string takes all");
        }
        text.push_str("</table>\n");
        page::write_sections(&mut text, &self.shown);
        page::ended(text)
    }
}
