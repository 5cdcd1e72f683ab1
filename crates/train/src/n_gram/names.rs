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

use backdraft_data::{Units, Vocabulary, WordVocabulary, byte_name, byte_of_name};

/// What ends a line.
pub(crate) const END: &str = "</s>";
/// What programs call a space, where words are characters.
pub(crate) const SPACES: [&str; 3] = [SPACE, SHORT_SPACE, "|"];

const UNKNOWN: &str = "<unk>";
const SPACE: &str = "<space>";
const SHORT_SPACE: &str = "<sp>";

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
        Units::Words(words) => all
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
        space if space.is_whitespace() || space == '\0' => format!("<U+{:04X}>", u32::from(space)),
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
            let number = name.strip_prefix("<U+")?.strip_suffix('>')?;
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

/// The units that names of a file are of, and the names of their symbols, in the order of the symbols.
pub(super) fn units(found: &[String]) -> (Units, Vec<String>) {
    let known = || {
        let names = found.iter().map(String::as_str);
        names.filter(|name| !name.eq_ignore_ascii_case(UNKNOWN))
    };
    let bytes = known().filter_map(byte).count();
    if bytes == Units::Bytes.len() && bytes == known().count() {
        return (Units::Bytes, of(&Units::Bytes));
    }
    if known().all(|name| character(name).is_some()) {
        let mut names: HashMap<char, &str> = known()
            .filter_map(|name| Some((character(name)?, name)))
            .collect();
        names.entry('\n').or_insert(END);
        let characters: String = names.keys().collect();
        let units = Units::characters(&characters);
        let Units::Characters(vocabulary) = &units else {
            unreachable!("these are characters");
        };
        let of_known = (1..units.len() as u32).map(|symbol| names[&vocabulary.character(symbol)]);
        let names = [unknown(found)].into_iter().chain(of_known);
        let names = names.map(str::to_string).collect();
        return (units, names);
    }
    let words = known().filter(|name| *name != END).map(str::to_string);
    let words = words.chain([Units::END_OF_LINE.to_string()]);
    let units = Units::Words(WordVocabulary::of([], 1, None).with_more(words));
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
            let (again, in_order) = super::units(&found);
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
        let (units, names) = units(&found);
        assert_eq!(units.encode(" b?\n").unwrap().len(), 4);
        assert_eq!(names, ["<UNK>", "</s>", "<sp>", "a", "b"]);
        assert_eq!(character("<U+0041>"), Some('A'));
        assert_eq!(character("ab"), None);
    }
}
