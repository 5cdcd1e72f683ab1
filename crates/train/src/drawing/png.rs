//! Pictures as pixels, where SVG is not taken: in papers, slides and messages.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Family, Query};
use resvg::usvg::{Options, Tree};

use super::mark::marked_png;
use crate::TrainError;

/// Pixels for each of the picture's own.
const SCALE: f32 = 2.0;

/// Turns pictures into pixels, with the fonts of this machine.
pub(crate) struct Rasteriser<'a> {
    options: Options<'a>,
}

impl Rasteriser<'_> {
    /// Finds the fonts.
    ///
    /// # Errors
    ///
    /// When there are none, as a picture without its words tells nothing.
    pub(crate) fn new() -> Result<Self, TrainError> {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        let sans_serif = Query {
            families: &[Family::SansSerif],
            ..Query::default()
        };
        if fonts.query(&sans_serif).is_none() {
            let families = fonts.faces().flat_map(|face| &face.families);
            let first = families.map(|(family, _)| family.clone()).next();
            fonts.set_sans_serif_family(first.ok_or_else(|| {
                TrainError::Invalid {
                    setting: "png",
                    expected:
                        "a machine with a font on it (fonts-dejavu of Debian has some), or --svg"
                            .to_string(),
                    found: "no fonts".to_string(),
                }
            })?);
        }
        let options = Options {
            fontdb: Arc::new(fonts),
            ..Options::default()
        };
        Ok(Self { options })
    }

    /// A picture as a PNG file, in twice its size.
    ///
    /// # Errors
    ///
    /// When the picture cannot be drawn.
    pub(crate) fn png(&self, svg: &str) -> Result<Vec<u8>, TrainError> {
        let failed = |reason: String| TrainError::Stopped {
            reason: format!("a picture cannot be turned into pixels: {reason}"),
        };
        let tree = Tree::from_str(svg, &self.options).map_err(|error| failed(error.to_string()))?;
        let size = tree.size().to_int_size().scale_by(SCALE);
        let size = size.ok_or_else(|| failed("it has no size".to_string()))?;
        let mut pixels = Pixmap::new(size.width(), size.height())
            .ok_or_else(|| failed("it is too large".to_string()))?;
        resvg::render(
            &tree,
            Transform::from_scale(SCALE, SCALE),
            &mut pixels.as_mut(),
        );
        let png = pixels
            .encode_png()
            .map_err(|error| failed(error.to_string()))?;
        Ok(marked_png(png))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::canvas::{Anchor, Canvas};
    use crate::drawing::mark::is_marked;

    #[test]
    fn a_picture_has_its_colours_and_words_in_twice_its_size() {
        let rasteriser = match Rasteriser::new() {
            Ok(rasteriser) => rasteriser,
            // A machine without fonts is told so.
            Err(error) => return assert!(error.to_string().contains("found no fonts"), "{error}"),
        };
        let mut canvas = Canvas::new([80.0, 40.0]);
        canvas.add("<rect x=\"60\" y=\"0\" width=\"20\" height=\"40\" fill=\"#ff0000\"/>");
        canvas.text([4.0, 30.0], Anchor::Start, 30, "MM");
        let png = rasteriser.png(&canvas.svg()).unwrap();
        let found = Pixmap::decode_png(&png).unwrap();
        assert_eq!((found.width(), found.height()), (160, 80));
        let colour = |x, y| {
            let pixel = found.pixel(x, y).unwrap();
            (pixel.red(), pixel.green(), pixel.blue())
        };
        assert_eq!(colour(150, 40), (255, 0, 0));
        assert_eq!(colour(2, 2), (255, 255, 255));
        // Ink of the words.
        let inked = (8..110).flat_map(|x| (10..70).map(move |y| (x, y)));
        let inked = inked.filter(|&(x, y)| colour(x, y).0 < 128).count();
        assert!(inked > 200, "{inked}");
        assert!(rasteriser.png("<svg").is_err());
        // It is known again, and a picture of others is not.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.png");
        std::fs::write(&path, &png).unwrap();
        assert!(is_marked(&path).unwrap());
        std::fs::write(&path, found.encode_png().unwrap()).unwrap();
        assert!(!is_marked(&path).unwrap());
    }
}
