//! How open gates are: a histogram of each, and its units by how long they are saturated.

use crate::drawing::canvas::{Anchor, BLUE, Canvas, PALE, Panel, RED};
use crate::insight::{LayerName, UnitActivity};

/// Pixels of a panel, and around it.
const PANEL: [f64; 2] = [180.0, 130.0];
const LEFT: f64 = 60.0;
const TOP: f64 = 60.0;
const GAP: [f64; 2] = [38.0, 64.0];

/// A picture for each layer: a column for each gate, and one for what the layer puts out.
pub(super) fn pictures(activity: &[UnitActivity]) -> Vec<(String, String)> {
    let layers = activity.chunk_by(|one, next| one.of == next.of);
    layers
        .map(|columns| {
            let layer = &columns[0].of;
            (format!("gates-{}", layer.file()), picture(layer, columns))
        })
        .collect()
}

fn picture(layer: &LayerName, columns: &[UnitActivity]) -> String {
    let [width, height] = PANEL;
    let size = [
        LEFT + columns.len() as f64 * (width + GAP[0]),
        TOP + height + GAP[1] + width + 44.0,
    ];
    let size = [size[0].max(520.0), size[1]];
    let mut canvas = Canvas::new(size);
    let title = format!(
        "{}: how open the gates are, and which units are saturated",
        layer.title()
    );
    canvas.text([size[0] / 2.0, 20.0], Anchor::Middle, 15, &title);
    for (column, activity) in columns.iter().enumerate() {
        let left = LEFT + column as f64 * (width + GAP[0]);
        canvas.text(
            [left + width / 2.0, TOP - 22.0],
            Anchor::Middle,
            13,
            &activity.name,
        );
        let [shut, open] = activity.saturated().map(|share| share * 100.0);
        let told = format!(
            "mean {:.2}, {shut:.0} % left, {open:.0} % right",
            activity.mean
        );
        canvas.text([left + width / 2.0, TOP - 7.0], Anchor::Middle, 10, &told);
        histogram(&mut canvas, [left, TOP], activity);
        let below = TOP + height + GAP[1];
        scatter(&mut canvas, [left, below], activity, column == 0);
    }
    let beside = [LEFT - 36.0, TOP + height / 2.0];
    canvas.upright(beside, Anchor::Middle, 10, "share of all values");
    canvas.svg()
}

fn histogram(canvas: &mut Canvas, place: [f64; 2], activity: &UnitActivity) {
    let highest = activity.histogram.iter().copied().fold(0.0, f64::max);
    let [low, high] = activity.range.map(f64::from);
    let panel = Panel {
        place,
        size: PANEL,
        x: [low, high],
        y: [0.0, highest.max(0.01) * 1.05],
    };
    panel.bars(canvas, &activity.histogram, BLUE);
    let top = (highest * 100.0).floor() / 100.0;
    panel.frame(canvas, &[low, (low + high) / 2.0, high], &[0.0, top]);
    for bound in activity.bounds.map(f64::from) {
        panel.line(canvas, [[bound, 0.0], [bound, highest]], RED);
    }
}

fn scatter(canvas: &mut Canvas, place: [f64; 2], activity: &UnitActivity, first: bool) {
    let [width, _] = PANEL;
    // A little more than from 0 to 1: units lie on the edges.
    let range = [-0.04, 1.04];
    let panel = Panel {
        place,
        size: [width; 2],
        x: range,
        y: range,
    };
    let ticks = [0.0, 0.5, 1.0];
    panel.frame(canvas, &ticks, if first { &ticks } else { &[] });
    // The shares sum to 1 at most.
    panel.line(canvas, [[0.0, 1.0], [1.0, 0.0]], PALE);
    let units = activity.right.iter().zip(&activity.left);
    panel.dots(canvas, units.map(|(right, left)| [*right, *left]), BLUE);
    let told = format!(
        "{} of {} units stuck",
        activity.stuck(),
        activity.left.len()
    );
    let [left, top] = place;
    canvas.text([left + width - 5.0, top + 14.0], Anchor::End, 11, &told);
    let below = [left + width / 2.0, top + width + 28.0];
    canvas.text(below, Anchor::Middle, 10, "share of time right-saturated");
    if first {
        let beside = [left - 36.0, top + width / 2.0];
        canvas.upright(beside, Anchor::Middle, 10, "share of time left-saturated");
    }
}
