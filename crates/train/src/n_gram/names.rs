//! What symbols are called in an ARPA file, whose words have no white space in them.
//!
//! ```text
//! <unk>      what is not known
//! </s>       the end of a line
//! <space>    the character of that name; read as <sp>, too
//! <U+0009>   other white space, by its code point
//! <0xE9>     a byte that is no printable ASCII
//! ```

use std::collections::HashMap;

use backdraft_data::{Units, Vocabulary, WordVocabulary, byte_name, byte_of_name, words};

use crate::{TextUnit, TrainError};

/// What ends a line.
pub(crate) const END: &str = "</s>";
/// What programs call a space, where words are characters.
pub(crate) const SPACES: [&str; 3] = [SPACE, SHORT_SPACE, "|"];

const UNKNOWN: &str = "<unk>";
const BEGIN: &str = "<s>";
const SPACE: &str = "<space>";
const SHORT_SPACE: &str = "<sp>";
/// How the name of a character by its code point begins.
const CODE_POINT: &str = "<U+";

/// The names of all symbols, in their order.
pub(super) fn of(units: &Units) -> Vec<String> {
    let all = 0..units.len() as u32;
    match units {
        Units::Characters(vocabulary) => all
            .map(|symbol| match symbol {
                Vocabulary::UNKNOWN => UNKNOWN.to_string(),
                symbol => of_character(vocabulary.character(symbol)),
            })
            .collect(),
        Units::Bytes => (0..=u8::MAX).map(of_byte).collect(),
        Units::Words(words) | Units::Tokens(words) => all
            .map(|symbol| match words.word(symbol) {
                WordVocabulary::REPLACEMENT => UNKNOWN.to_string(),
                Units::END_OF_LINE => END.to_string(),
                word => word.to_string(),
            })
            .collect(),
        Units::Pieces(_) => unreachable!("n-grams of pieces are not counted"),
    }
}

/// The name of a character.
pub(crate) fn of_character(character: char) -> String {
    match character {
        '\n' => END.to_string(),
        ' ' => SPACE.to_string(),
        // What KenLM, too, ends a word at.
        space if space.is_whitespace() || space == '\0' => {
            format!("{CODE_POINT}{:04X}>", u32::from(space))
        }
        other => other.to_string(),
    }
}

fn of_byte(byte: u8) -> String {
    match byte {
        b'\n' => END.to_string(),
        b' ' => SPACE.to_string(),
        other => byte_name(other),
    }
}

/// The character of a name; nothing if it is none.
pub(crate) fn character(name: &str) -> Option<char> {
    let mut characters = name.chars();
    match (name, characters.next(), characters.next()) {
        (END, ..) => Some('\n'),
        (SPACE | SHORT_SPACE, ..) => Some(' '),
        (_, Some(character), None) => Some(character),
        _ => {
            let number = name.strip_prefix(CODE_POINT)?.strip_suffix('>')?;
            let number = u32::from_str_radix(number, 16).ok()?;
            char::from_u32(number)
        }
    }
}

fn byte(name: &str) -> Option<u8> {
    match name {
        END => Some(b'\n'),
        SPACE => Some(b' '),
        other => byte_of_name(other),
    }
}

/// Refuses words that mean something else in an ARPA file.
pub(super) fn check(units: &Units) -> Result<(), TrainError> {
    match units {
        Units::Words(words) if words.symbol(BEGIN) != WordVocabulary::UNKNOWN => {
            Err(TrainError::Unfit {
                what: "the text",
                expected: format!("no word {BEGIN}, which begins each line in an ARPA file"),
                found: "it".to_string(),
            })
        }
        _ => Ok(()),
    }
}

/// Whether names that were taken for those of characters may as well be words of one character each.
pub(super) fn are_doubtful(units: &Units, found: &[String]) -> bool {
    let is_only_of_characters = |name: &String| {
        [SPACE, SHORT_SPACE].contains(&name.as_str()) || name.starts_with(CODE_POINT)
    };
    matches!(units, Units::Characters(_)) && !found.iter().any(is_only_of_characters)
}

/// The units that names of a file are of, and the names of their symbols, in the order of the symbols; or what names
/// of that unit would be.
pub(super) fn units(
    found: &[String],
    unit: Option<&TextUnit>,
) -> Result<(Units, Vec<String>), &'static str> {
    let known: Vec<&str> = found
        .iter()
        .map(String::as_str)
        .filter(|name| !name.eq_ignore_ascii_case(UNKNOWN))
        .collect();
    let bytes = known.iter().filter_map(|name| byte(name)).count();
    let are_bytes = bytes == Units::Bytes.len() && bytes == known.len();
    let are_characters = known.iter().all(|name| character(name).is_some());
    match unit {
        None if are_bytes => Ok(bytes_of()),
        None if are_characters => Ok(characters_of(found, &known)),
        None | Some(TextUnit::Word) => Ok(words_of(found, &known)),
        Some(TextUnit::Byte) if are_bytes => Ok(bytes_of()),
        Some(TextUnit::Char) if are_characters => Ok(characters_of(found, &known)),
        Some(TextUnit::Byte) => Err("the names of all bytes as its words"),
        Some(TextUnit::Char) => Err("names of characters as its words"),
        Some(TextUnit::File(_)) => {
            Err("char, byte or word, as an ARPA file does not hold a tokenizer")
        }
    }
}

fn bytes_of() -> (Units, Vec<String>) {
    (Units::Bytes, of(&Units::Bytes))
}

fn characters_of(found: &[String], known: &[&str]) -> (Units, Vec<String>) {
    let mut names: HashMap<char, &str> = known
        .iter()
        .filter_map(|name| Some((character(name)?, *name)))
        .collect();
    names.entry('\n').or_insert(END);
    let vocabulary = Vocabulary::of(&names.keys().collect::<String>());
    let of_known = (1..vocabulary.len() as u32).map(|symbol| names[&vocabulary.character(symbol)]);
    let names = [unknown(found)].into_iter().chain(of_known);
    let names = names.map(str::to_string).collect();
    (Units::Characters(vocabulary), names)
}

fn words_of(found: &[String], known: &[&str]) -> (Units, Vec<String>) {
    let all = known.iter().filter(|name| **name != END);
    let is_whole = |name: &&&str| words(name).eq([**name]);
    let are_whole = all.clone().all(|name| is_whole(&name));
    let all = all.map(|name| (*name).to_string());
    let all = all.chain([Units::END_OF_LINE.to_string()]);
    let vocabulary = WordVocabulary::of([], 1, None).with_more(all);
    let units = match are_whole {
        true => Units::Words(vocabulary),
        false => Units::Tokens(vocabulary),
    };
    let mut names = of(&units);
    names[WordVocabulary::UNKNOWN as usize] = unknown(found).to_string();
    (units, names)
}

/// What a file calls an unknown word.
fn unknown(found: &[String]) -> &str {
    let mut names = found.iter();
    let name = names.find(|name| name.eq_ignore_ascii_case(UNKNOWN));
    name.map_or(UNKNOWN, String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_again_by_their_names() {
        let text = "a <b>\tc\u{a0}\u{e9}\n";
        for units in [
            Units::characters(text),
            Units::Bytes,
            Units::words("a <b> c d e\n", 1, None),
        ] {
            let names = of(&units);
            assert!(
                names
                    .iter()
                    .all(|name| name.split_whitespace().count() == 1)
            );
            // A file has them in any order.
            let mut found = names.clone();
            found.reverse();
            let (again, in_order) = super::units(&found, None).unwrap();
            assert_eq!(again.len(), units.len());
            let decode = |units: &Units, symbol: usize| units.decode(&[symbol as u32]);
            for (symbol, name) in in_order.iter().enumerate() {
                let before = names.iter().position(|other| other == name).unwrap();
                assert_eq!(decode(&again, symbol), decode(&units, before), "{name}");
            }
        }
    }

    #[test]
    fn names_of_other_programs_are_understood() {
        let found = ["<UNK>", "a", "<sp>", "b"].map(String::from);
        let (units, names) = units(&found, None).unwrap();
        assert_eq!(units.encode(" b?\n").unwrap().len(), 4);
        assert_eq!(names, ["<UNK>", "</s>", "<sp>", "a", "b"]);
        assert_eq!(character("<U+0041>"), Some('A'));
        assert_eq!(character("ab"), None);
    }

    #[test]
    fn what_words_stand_for_is_guessed_or_as_it_is_asked() {
        let of = |found: &[&str], unit: Option<&TextUnit>| {
            let found: Vec<String> = found.iter().map(|name| (*name).to_string()).collect();
            let found = (units(&found, unit), found);
            found.0.map(|(units, _)| {
                let are_doubtful = are_doubtful(&units, &found.1);
                (units, are_doubtful)
            })
        };
        let digits = ["1", "2", "</s>"];
        assert!(matches!(
            of(&digits, None),
            Ok((Units::Characters(_), true))
        ));
        assert!(matches!(
            of(&digits, Some(&TextUnit::Word)),
            Ok((Units::Words(_), _))
        ));
        assert!(of(&digits, Some(&TextUnit::Byte)).is_err());
        let spaced = ["1", "<space>"];
        assert!(matches!(
            of(&spaced, None),
            Ok((Units::Characters(_), false))
        ));
        let words = ["one", "<unk>", "don't", ","];
        assert!(matches!(of(&words, None), Ok((Units::Words(_), false))));
        assert!(of(&words, Some(&TextUnit::Char)).is_err());
        // No word of ours is such.
        let tokens = ["one", "n't", "Mr."];
        assert!(matches!(of(&tokens, None), Ok((Units::Tokens(_), false))));
    }
}
