//! How far what was heard is from what was said.

use backdraft_models::EditScore;

/// Of pairs of what was heard and what was said: errors for each letter of what was said, for each word if
/// anything said has white space, and how much is right in every letter.
pub(super) fn figures(pairs: &[(String, &str)]) -> Vec<(&'static str, f64)> {
    let (mut of_letters, mut of_words) = (EditScore::new(), EditScore::new());
    let letters = |text: &str| text.chars().collect::<Vec<char>>();
    for (heard, said) in pairs {
        of_letters.add(&letters(heard), &letters(said));
        of_words.add(&words(heard), &words(said));
    }
    let rate = |score: &EditScore| score.symbol_error_rate().unwrap_or(0.0);
    let mut figures = vec![("label_error_rate", rate(&of_letters))];
    // Where a text is one word, that is as much as `exact` is short of 1.
    let has_space = |(_, said): &(String, &str)| said.contains(char::is_whitespace);
    if pairs.iter().any(has_space) {
        figures.push(("word_error_rate", rate(&of_words)));
    }
    figures.push(("exact", of_letters.exact_match().unwrap_or(0.0)));
    figures
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_where_there_are_several() {
        let of = |pairs: &[(&str, &'static str)]| {
            let pairs = pairs.iter().map(|(heard, said)| (heard.to_string(), *said));
            figures(&pairs.collect::<Vec<_>>())
        };
        // By hand: 1 of 6 letters; 1 of 2 texts.
        let single = [("label_error_rate", 1.0 / 6.0), ("exact", 0.5)];
        assert_eq!(of(&[("one", "one"), ("twa", "two")]), single);
        // 1 of 3 + 7 letters is missing; of 1 + 2 words 2 became one: 2 edits.
        let several = [
            ("label_error_rate", 0.1),
            ("word_error_rate", 2.0 / 3.0),
            ("exact", 0.5),
        ];
        assert_eq!(of(&[("one", "one"), ("twoone", "two one")]), several);
        assert_eq!(of(&[]), [("label_error_rate", 0.0), ("exact", 0.0)]);
    }
}
