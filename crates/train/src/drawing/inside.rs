//! What a page shows of a run's model.

use std::fmt::Write;

use super::Section;
use super::html::escape;
use super::page::write_sections;

/// What is shown of the inside of a run.
#[derive(Debug)]
pub struct Inside {
    /// What there is to see.
    pub(crate) sections: Vec<Section>,
    /// What there is not, and why: a sentence each.
    pub(crate) missing: Vec<String>,
    /// What is said of lines that cannot be read: a sentence for each file that has some.
    pub(crate) skipped: Vec<String>,
}

impl Inside {
    /// Nothing, for a reason.
    pub(crate) fn missing(reason: String) -> Self {
        Self {
            sections: Vec::new(),
            missing: vec![reason],
            skipped: Vec::new(),
        }
    }

    /// Writes the sections that have something to show, and what is missing.
    pub(crate) fn write(&self, page: &mut String) {
        write_sections(page, &self.sections);
        if !self.missing.is_empty() {
            page.push_str("<h2>What is not shown of the inside</h2>\n<ul>\n");
            for missing in &self.missing {
                writeln!(page, "<li>{}</li>", escape(missing)).expect("a string takes all");
            }
            page.push_str("</ul>\n");
        }
    }

    /// The pictures as SVG, each with its name.
    pub(crate) fn into_pictures(self) -> impl Iterator<Item = (String, String)> {
        let pictures = self
            .sections
            .into_iter()
            .flat_map(|section| section.pictures);
        pictures.filter_map(|picture| Some((picture.name, picture.svg?)))
    }
}
