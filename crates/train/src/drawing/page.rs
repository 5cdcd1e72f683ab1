//! A page that is one file, with everything that it needs in it.

use std::fmt::Write;

use super::html::escape;
use super::{Section, mark};

const STYLE: &str = "body{font:15px/1.5 sans-serif;color:#222;max-width:940px;margin:2em auto;\
padding:0 1em}h1,h2{font-weight:600}table{border-collapse:collapse;margin:1em 0}\
td,th{padding:.2em 1em .2em 0;text-align:left;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}\
pre{background:#f5f5f5;padding:.7em;overflow:auto;white-space:pre-wrap;font-size:13px}\
svg{display:block;max-width:100%;height:auto;margin:1em 0}\
i{display:inline-block;width:.8em;height:.8em;margin-right:.5em}details{margin:.5em 0}\
pre.t{background:none;border:1px solid #ddd;line-height:1.45}";

/// The head of a page, and its heading.
pub(crate) fn begun(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">{}<title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n",
        mark::ON_PAGES
    )
}

/// The whole page.
pub(crate) fn ended(mut page: String) -> String {
    page.push_str("</html>\n");
    page
}

/// Writes the sections that have something to show.
pub(crate) fn write_sections(page: &mut String, sections: &[Section]) {
    let shown = |section: &&Section| !section.pictures.is_empty();
    for section in sections.iter().filter(shown) {
        let (title, about) = (escape(&section.title), escape(&section.about));
        write!(page, "<h2>{title}</h2>\n<p>{about}</p>\n").expect("a string takes all");
        for picture in &section.pictures {
            page.push_str(picture.on_page());
            page.push('\n');
        }
    }
}
