//! N-grams to text.

use std::collections::HashSet;
use std::fmt::Write as _;

use backdraft_cells::Error;

use super::super::sorted::{BEGIN, code};
use super::super::{NAME, NGram, NGramState};
use super::{BEGIN_NAME, NEVER};

impl NGram {
    /// This model as an ARPA file, in which symbol `i` is called `names[i]`. Probabilities have the digits of
    /// an f32.
    ///
    /// ```
    /// use backdraft_models::baselines::{NGram, NGramConfig};
    ///
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// let names = ["a", "b", "</s>"];
    /// let model = NGramConfig::new(3, 2).fit(&[[0, 1, 0, 1, 2]])?;
    /// let file = model.to_arpa(&names)?;
    /// assert!(file.starts_with("\\data\\\nngram 1=4\nngram 2=4\n"), "{file}");
    /// let read = NGram::from_arpa(&file, &names)?;
    /// let (nats, again) = (model.nats(&[0, 1, 2])?, read.nats(&[0, 1, 2])?);
    /// assert!(nats.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When there is not one name for each symbol, two are equal, or one is empty, has white space in it, or
    /// is `<s>`.
    pub fn to_arpa<S: AsRef<str>>(&self, names: &[S]) -> Result<String, Error> {
        self.check_names(names)?;
        let mut sections = vec![Section::default(); self.levels.len()];
        let name = |code: u32| match code {
            BEGIN => BEGIN_NAME,
            code => names[code as usize - 1].as_ref(),
        };
        let mut line = |level: usize, p: f64, codes: &[u32]| {
            let section = &mut sections[level];
            section.grams += 1;
            write!(section.text, "{}\t", p as f32).expect("a text has room");
            for (place, code) in codes.iter().enumerate() {
                let before = if place == 0 { "" } else { " " };
                section.text.push_str(before);
                section.text.push_str(name(*code));
            }
            if let Some((contexts, context)) = self.context(codes) {
                let weight = contexts.weight(context).log10() as f32;
                write!(section.text, "\t{weight}").expect("a text has room");
            }
            section.text.push('\n');
        };
        if self.context(&[BEGIN]).is_some() {
            line(0, NEVER, &[BEGIN]);
        }
        for symbol in 0..self.vocabulary_size() as u32 {
            let p = self.p(&NGramState::default(), code(symbol));
            line(0, p.log10(), &[code(symbol)]);
        }
        self.walk(0, 0, &mut Vec::new(), &mut |level, context, codes| {
            if level == 0 {
                return;
            }
            let mut gram = codes.to_vec();
            let state = NGramState {
                codes: codes.to_vec(),
            };
            for (code, _) in self.levels[level].shares(context) {
                gram.push(code);
                line(level, self.p(&state, code).log10(), &gram);
                gram.pop();
            }
        });
        let mut file = String::from("\\data\\\n");
        for (index, section) in sections.iter().enumerate() {
            writeln!(file, "ngram {}={}", index + 1, section.grams).expect("a text has room");
        }
        for (index, section) in sections.iter().enumerate() {
            write!(file, "\n\\{}-grams:\n{}", index + 1, section.text).expect("a text has room");
        }
        file.push_str("\n\\end\\\n");
        Ok(file)
    }

    fn check_names<S: AsRef<str>>(&self, names: &[S]) -> Result<(), Error> {
        let symbols = self.vocabulary_size();
        if names.len() != symbols {
            let expected = format!("{symbols}, one for each symbol");
            return Err(Error::new(NAME, "names", expected, names.len()));
        }
        let mut known = HashSet::new();
        for name in names {
            let name = name.as_ref();
            let is_one =
                !name.is_empty() && !name.contains(|c: char| c.is_ascii_whitespace() || c == '\0');
            if !is_one || name == BEGIN_NAME {
                let expected = "a word without white space, other than <s>";
                return Err(Error::new(NAME, "name", expected, format!("{name:?}")));
            }
            if !known.insert(name) {
                let (what, found) = ("names", format!("{name:?} twice"));
                return Err(Error::new(NAME, what, "each once", found));
            }
        }
        Ok(())
    }

    /// Visits a context and all that are longer; `codes` are those of the context, the oldest first.
    fn walk(
        &self,
        level: usize,
        context: usize,
        codes: &mut Vec<u32>,
        visit: &mut impl FnMut(usize, usize, &[u32]),
    ) {
        visit(level, context, codes);
        let Some(next) = self.levels.get(level + 1) else {
            return;
        };
        for longer in self.levels[level].branches(context) {
            codes.insert(0, next.oldest(longer));
            self.walk(level + 1, longer, codes, visit);
            codes.remove(0);
        }
    }
}

/// The n-grams of one length.
#[derive(Debug, Clone, Default)]
struct Section {
    grams: usize,
    text: String,
}
