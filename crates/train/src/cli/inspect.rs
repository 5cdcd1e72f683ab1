//! `backdraft inspect`.

use std::fmt::Write;
use std::path::PathBuf;

use super::print::{print, print_json};
use crate::insight::Insight;
use crate::{TrainError, inspect_language_model};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

/// Steps back at which the norm of the gradient is printed.
const BACK: [usize; 9] = [0, 1, 2, 4, 8, 16, 32, 64, 128];

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let insight = inspect_language_model(&arguments.run)?;
    if arguments.json {
        return print_json(&insight);
    }
    print(&text(&insight).expect("a string takes all"))
}

fn text(insight: &Insight) -> Result<String, std::fmt::Error> {
    let mut text = format!("cell: {}\n", insight.cell);
    weights(&mut text, insight)?;
    spectra(&mut text, insight)?;
    gradients(&mut text, insight)?;
    activity(&mut text, insight)?;
    units(&mut text, insight)?;
    if !insight.missing.is_empty() {
        text.push_str("\nnot shown\n");
        for missing in &insight.missing {
            writeln!(text, "  {missing}")?;
        }
    }
    Ok(text)
}

fn weights(text: &mut String, insight: &Insight) -> std::fmt::Result {
    writeln!(
        text,
        "\n{:<52} {:>12} {:>9} {:>8} {:>8}",
        "weights", "shape", "norm", "rms", "largest"
    )?;
    for weight in &insight.weights {
        let shape: Vec<String> = weight.shape.iter().map(usize::to_string).collect();
        writeln!(
            text,
            "  {:<50} {:>12} {:>9.3} {:>8.4} {:>8.3}",
            weight.name,
            shape.join(" x "),
            weight.norm,
            weight.rms,
            weight.largest
        )?;
    }
    Ok(())
}

fn spectra(text: &mut String, insight: &Insight) -> std::fmt::Result {
    if insight.spectra.is_empty() {
        return Ok(());
    }
    let head = "spectra of the recurrent matrices";
    writeln!(
        text,
        "\n{head:<34} {:>8}  outside the unit circle",
        "radius"
    )?;
    for spectrum in &insight.spectra {
        let outside = spectrum
            .all()
            .filter(|[re, im]| re.hypot(*im) > 1.0)
            .count();
        let name = format!("{} {}", spectrum.of, spectrum.gate);
        match spectrum.radius {
            Some(radius) => {
                writeln!(
                    text,
                    "  {name:<32} {radius:>8.3}  {outside} of {}",
                    spectrum.units
                )?;
            }
            None => writeln!(text, "  {name:<32} {:>8}", "-")?,
        }
    }
    Ok(())
}

fn gradients(text: &mut String, insight: &Insight) -> std::fmt::Result {
    let Some(longest) = insight.gradients.iter().map(|one| one.norms.len()).max() else {
        return Ok(());
    };
    let mut back: Vec<usize> = BACK
        .into_iter()
        .filter(|back| *back + 1 < longest)
        .collect();
    back.push(longest - 1);
    let head = "norm of dL/dh_t, steps back from L";
    write!(text, "\n{head:<34}")?;
    for back in &back {
        write!(text, " {back:>8}")?;
    }
    writeln!(text, "   a step")?;
    for gradient in &insight.gradients {
        let name = format!("{} {}", gradient.of, gradient.state);
        write!(text, "  {name:<32}")?;
        for norm in back.iter().filter_map(|back| gradient.norms.get(*back)) {
            write!(text, " {:>8.1e}", norm.median)?;
        }
        match gradient.factor {
            Some(factor) => writeln!(text, "  x {factor:.3}")?,
            None => writeln!(text)?,
        }
    }
    writeln!(
        text,
        "  (a window of training has {} steps)",
        insight.unroll
    )
}

fn activity(text: &mut String, insight: &Insight) -> std::fmt::Result {
    if insight.activity.is_empty() {
        return Ok(());
    }
    let head = "gates, and hidden: what is put out";
    writeln!(
        text,
        "\n{head:<34} {:>8} {:>7} {:>7} {:>12}   least .. greatest",
        "mean", "shut", "open", "stuck units"
    )?;
    for activity in &insight.activity {
        let name = format!("{} {}", activity.of, activity.name);
        let [shut, open] = activity.saturated().map(|share| share * 100.0);
        let stuck = format!("{} of {}", activity.stuck(), activity.left.len());
        let [least, greatest] = activity.range;
        let bars = bars(&activity.histogram);
        writeln!(
            text,
            "  {name:<32} {:>8.3} {shut:>5.0} % {open:>5.0} % {stuck:>12}   {least} {bars} {greatest}",
            activity.mean
        )?;
    }
    writeln!(
        text,
        "  (shut: below 0.1, open: above 0.9; hidden: -0.9 and 0.9; stuck: more than 90 % of the time)"
    )
}

/// A histogram in a line of text.
fn bars(shares: &[f64]) -> String {
    const BARS: [char; 8] = [
        '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}',
        '\u{2588}',
    ];
    let highest = shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let bar = |share: &f64| match (share / highest * 8.0).ceil() as usize {
        0 => ' ',
        eighths => BARS[eighths.min(8) - 1],
    };
    shares.iter().map(bar).collect()
}

fn units(text: &mut String, insight: &Insight) -> std::fmt::Result {
    if insight.units.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n{:<34} {:<24} {:>6}", "telling units", "", "r")?;
    for unit in &insight.units {
        let name = format!("layer {} {} unit {}", unit.layer, unit.state, unit.unit);
        let told = unit
            .correlation
            .map_or_else(|| "-".to_string(), |r| format!("{r:.2}"));
        writeln!(text, "  {:<32} {name:<24} {told:>6}", unit.feature.name())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_a_line_of_bars() {
        assert_eq!(bars(&[0.0, 0.01, 0.4, 0.8]), " \u{2581}\u{2584}\u{2588}");
    }
}
