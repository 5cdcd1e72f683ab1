//! One array as NumPy writes it.
//!
//! ```text
//! \x93NUMPY  major minor  length of the header  header  the elements
//!
//! header: {'descr': '<f4', 'fortran_order': False, 'shape': (100, 13), }
//! descr:  byte order (< > | =), kind (b i u f U S), bytes of an element (U: characters)
//! ```
//!
//! NumPy enhancement proposal 1.

/// What an array holds, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Elements {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
    Texts(Vec<String>),
}

/// An array: `shape`, and as many elements.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) elements: Elements,
}

/// Why something is no array that can be read: expected, and found.
pub(crate) type Unfit = (String, String);

fn unfit<T>(expected: &str, found: impl ToString) -> Result<T, Unfit> {
    Err((expected.to_string(), found.to_string()))
}

/// Reads an array from the bytes of a `.npy` file.
pub(crate) fn array(bytes: &[u8]) -> Result<Array, Unfit> {
    let Some((b"\x93NUMPY", rest)) = bytes.split_first_chunk() else {
        return unfit("an array in NumPy's format", "other bytes at its start");
    };
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [major, ..] if *major > 3 => {
            return unfit("version 1, 2 or 3 of NumPy's format", major);
        }
        _ => return unfit("a header", "the end of the array"),
    };
    let Some((header, data)) = rest.split_at_checked(length) else {
        return unfit("a header", "the end of the array");
    };
    let header = String::from_utf8_lossy(header);
    let (Some(descr), Some(shape)) = (quoted(&header, "descr"), shape(&header)) else {
        return unfit(
            "a header with 'descr', one type, and 'shape'",
            header.trim(),
        );
    };
    let elements = elements(&descr, &shape, data)?;
    match entry(&header, "fortran_order").is_some_and(|value| value.starts_with("True")) {
        true => Ok(row_major(shape, elements)),
        false => Ok(Array { shape, elements }),
    }
}

/// What comes after `'name':` in a header.
fn entry<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = header.split_once(&format!("'{name}'"))?;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

fn quoted(header: &str, name: &str) -> Option<String> {
    let (value, _) = entry(header, name)?.strip_prefix('\'')?.split_once('\'')?;
    Some(value.to_string())
}

fn shape(header: &str) -> Option<Vec<usize>> {
    let (values, _) = entry(header, "shape")?.strip_prefix('(')?.split_once(')')?;
    let values = values
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    values.map(|size| size.parse().ok()).collect()
}

fn elements(descr: &str, shape: &[usize], data: &[u8]) -> Result<Elements, Unfit> {
    let numbers_or_texts = "numbers of 1 to 8 bytes (b, i, u, f) or texts (U, S)";
    let split = descr.split_at_checked(2);
    let kind = split.and_then(|(head, size)| Some((head, size.parse::<usize>().ok()?)));
    let Some((head, size)) = kind else {
        return unfit(numbers_or_texts, descr);
    };
    let big = match head.as_bytes()[0] {
        b'<' | b'|' => false,
        b'>' => true,
        b'=' => cfg!(target_endian = "big"),
        _ => return unfit(numbers_or_texts, descr),
    };
    let width = match head.as_bytes()[1] {
        b'U' => size.checked_mul(4),
        _ => Some(size),
    };
    let count = shape
        .iter()
        .try_fold(1_usize, |count, size| count.checked_mul(*size));
    let total = count
        .zip(width)
        .and_then(|(count, width)| count.checked_mul(width));
    let Some((count, width)) = count.zip(width).filter(|_| total == Some(data.len())) else {
        let expected = format!("the elements of shape {shape:?} of type {descr}");
        return unfit(&expected, format!("{} bytes", data.len()));
    };
    // An array of empty texts has no bytes.
    let each = |at: usize| &data[at * width..(at + 1) * width];
    let all = (0..count).map(each);
    Ok(match (head.as_bytes()[1], size) {
        (b'f', 4) => Elements::Floats(all.map(|e| f32::from_bits(bits(e, big) as u32)).collect()),
        (b'f', 8) => Elements::Floats(all.map(|e| f64::from_bits(bits(e, big)) as f32).collect()),
        (b'i', 1 | 2 | 4 | 8) => {
            let unused = 64 - 8 * size;
            // Shifted up and back, so that the sign comes along.
            let signed = |e: &[u8]| ((bits(e, big) << unused) as i64) >> unused;
            Elements::Integers(all.map(signed).collect())
        }
        (b'u', 1 | 2 | 4) | (b'b', 1) => {
            Elements::Integers(all.map(|e| bits(e, big) as i64).collect())
        }
        (b'u', 8) => {
            let signed = all.map(|e| i64::try_from(bits(e, big)).ok());
            match signed.collect() {
                Some(values) => Elements::Integers(values),
                None => return unfit("integers below 2^63", "a larger one"),
            }
        }
        (b'S', _) => {
            let text = |e: &[u8]| {
                String::from_utf8_lossy(e)
                    .trim_end_matches('\0')
                    .to_string()
            };
            Elements::Texts(all.map(text).collect())
        }
        (b'U', _) => {
            let character = |e: &[u8]| {
                char::from_u32(bits(e, big) as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
            };
            let text = |e: &[u8]| e.chunks(4).map(character).collect::<String>();
            let text = |e| text(e).trim_end_matches('\0').to_string();
            Elements::Texts(all.map(text).collect())
        }
        _ => return unfit(numbers_or_texts, descr),
    })
}

/// Up to 8 bytes as one number.
fn bits(element: &[u8], big: bool) -> u64 {
    let push = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
    match big {
        true => element.iter().fold(0, push),
        false => element.iter().rev().fold(0, push),
    }
}

/// The array whose elements were written with the first index fastest.
fn row_major(shape: Vec<usize>, elements: Elements) -> Array {
    let count = shape.iter().product();
    // Where each element of the row-major order is.
    let mut from = Vec::with_capacity(count);
    for mut at in 0..count {
        let mut place = 0;
        for axis in (0..shape.len()).rev() {
            let stride: usize = shape[..axis].iter().product();
            place += at % shape[axis] * stride;
            at /= shape[axis];
        }
        from.push(place);
    }
    let elements = match elements {
        Elements::Floats(all) => Elements::Floats(from.iter().map(|&at| all[at]).collect()),
        Elements::Integers(all) => Elements::Integers(from.iter().map(|&at| all[at]).collect()),
        Elements::Texts(all) => Elements::Texts(from.iter().map(|&at| all[at].clone()).collect()),
    };
    Array { shape, elements }
}
