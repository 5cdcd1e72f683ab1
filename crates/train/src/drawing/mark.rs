//! The mark of what is drawn here: a file that has it may be drawn again, any other is somebody's own.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// In the head of a page.
pub(crate) const ON_PAGES: &str = "<meta name=\"generator\" content=\"backdraft\">";
/// After the first tag of a picture.
const ON_PICTURES: &str = "<!-- drawn by backdraft -->";
/// After the first chunk of a picture of pixels: a chunk of text, with its length before it and its checksum after it.
const ON_PIXELS: &[u8] = b"\0\0\0\x12tEXtSoftware\0backdraft\x11\xC2\x52\x69";
/// How each file of pixels begins: a signature of 8 bytes, and a chunk of 13 with its length, name and checksum.
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n";
const FIRST_CHUNK_ENDS: usize = 8 + 4 + 4 + 13 + 4;
/// Bytes at the beginning of a file that the mark is in: a page of others may have our pictures in it.
const HEAD: u64 = 512;

/// A picture with the mark.
pub(crate) fn marked(mut svg: String) -> String {
    let after = svg.find('>').map_or(0, |end| end + 1);
    svg.insert_str(after, ON_PICTURES);
    svg
}

/// A picture of pixels, a PNG file, with the mark.
pub(crate) fn marked_png(mut png: Vec<u8>) -> Vec<u8> {
    let at = FIRST_CHUNK_ENDS.min(png.len());
    png.splice(at..at, ON_PIXELS.iter().copied());
    png
}

/// Whether a file was drawn here.
pub(crate) fn is_marked(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    if head.starts_with(PNG) {
        return Ok(head.windows(ON_PIXELS.len()).any(|part| part == ON_PIXELS));
    }
    let head = String::from_utf8_lossy(&head);
    Ok(match head.trim_start().starts_with("<svg") {
        true => head.contains(ON_PICTURES),
        false => head.contains(ON_PAGES),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_pictures_are_known_again_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let is_known = |content: &str| {
            std::fs::write(&path, content).unwrap();
            is_marked(&path).unwrap()
        };
        let svg = "<svg width=\"9\">\n<rect/></svg>".to_string();
        assert!(!is_known(&svg));
        let svg = marked(svg);
        assert_eq!(
            svg,
            "<svg width=\"9\"><!-- drawn by backdraft -->\n<rect/></svg>"
        );
        assert!(is_known(&svg));
        assert!(is_known(&format!("<!doctype html>\n<html>{ON_PAGES}")));
        assert!(!is_known(&format!("<!doctype html>\n<html><p>{svg}")));
        assert!(!is_known(""));
        assert!(is_marked(&folder.path().join("none")).is_err());
    }
}
