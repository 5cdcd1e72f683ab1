//! A part of a page.

/// A part of a page about a run: pictures of one kind, with what they show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// What is shown, in a sentence or some.
    pub about: String,
    /// What shows it; a part without any is left out.
    pub pictures: Vec<Picture>,
}

/// A picture, a piece of a page, or both: then the page has the latter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What its file is called, without the ending.
    pub name: String,
    /// As a file of its own.
    pub svg: Option<String>,
    /// On the page.
    pub html: Option<String>,
}

impl Picture {
    /// A picture.
    pub fn svg(name: impl Into<String>, svg: String) -> Self {
        Self {
            name: name.into(),
            svg: Some(svg),
            html: None,
        }
    }

    /// A piece of a page, in HTML.
    pub fn page(name: impl Into<String>, html: String) -> Self {
        Self {
            name: name.into(),
            svg: None,
            html: Some(html),
        }
    }

    /// What a page has of it.
    pub(crate) fn on_page(&self) -> &str {
        let shown = self.html.as_ref().or(self.svg.as_ref());
        shown.map_or("", String::as_str)
    }
}
