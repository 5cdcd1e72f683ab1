//! A page that is one file, with everything that it needs in it.

use std::fmt::Write;

use super::html::escape;
use super::{Section, mark};

/// Pictures are white paper with dark ink. Where the reader wants it dark, they are turned around, and their hues back.
const STYLE: &str = ":root{color-scheme:light dark}\
body{font:15px/1.5 sans-serif;color:#222;background:#fff;max-width:940px;margin:2em auto;\
padding:0 1em}h1,h2{font-weight:600}\
table{border-collapse:collapse;margin:1em 0;display:block;overflow-x:auto}\
td,th{padding:.2em 1em .2em 0;text-align:left;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}\
pre{background:#f5f5f5;padding:.7em;overflow:auto;white-space:pre-wrap;font-size:13px}\
figure{margin:1em 0;overflow-x:auto}svg{display:block;max-width:100%;height:auto}\
@media(max-width:700px){svg{max-width:none}}\
i{display:inline-block;width:.8em;height:.8em;margin-right:.5em}details{margin:.5em 0}\
pre.t{background:none;border:1px solid #ddd;line-height:1.45}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#121212}pre{background:#242424}\
svg,pre.t{filter:invert(.93) hue-rotate(180deg)}pre.t{color:#222;background:#fff}}";

/// The head of a page, and its heading.
pub(crate) fn begun(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">{}<title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n",
        mark::ON_PAGES
    )
}

/// The whole page.
pub(crate) fn ended(mut page: String) -> String {
    page.push_str("</html>\n");
    page
}

/// Writes a picture, or a piece of a page.
pub(crate) fn write_figure(page: &mut String, figure: &str) {
    let (before, after) = match figure.starts_with("<svg") {
        true => ("<figure>", "</figure>"),
        false => ("", ""),
    };
    writeln!(page, "{before}{figure}{after}").expect("a string takes all");
}

/// Writes the sections that have something to show.
pub(crate) fn write_sections(page: &mut String, sections: &[Section]) {
    let shown = |section: &&Section| !section.pictures.is_empty();
    for section in sections.iter().filter(shown) {
        let (title, about) = (escape(&section.title), escape(&section.about));
        write!(page, "<h2>{title}</h2>\n<p>{about}</p>\n").expect("a string takes all");
        for picture in &section.pictures {
            write_figure(page, picture.on_page());
        }
    }
}
