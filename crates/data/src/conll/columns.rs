//! Where words and tags stand.

/// Which columns are read, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConllColumns {
    /// The column of the word; the first by default. If it is another column, the first one is read as the
    /// number of the word, as in CoNLL-U.
    pub word: usize,
    /// That of the tag; `None` is the last, as by default.
    pub tag: Option<usize>,
    /// Whether there are tags; there are by default.
    pub tagged: bool,
}

impl Default for ConllColumns {
    fn default() -> Self {
        Self {
            word: 0,
            tag: None,
            tagged: true,
        }
    }
}

impl ConllColumns {
    /// The word in the first column, the tag in the last.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the column of the word, from 0.
    #[must_use]
    pub fn with_word(mut self, word: usize) -> Self {
        self.word = word;
        self
    }

    /// Sets the column of the tag, from 0.
    #[must_use]
    pub fn with_tag(mut self, tag: usize) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Reads words alone.
    #[must_use]
    pub fn without_tags(mut self) -> Self {
        self.tagged = false;
        self
    }
}
