//! What the programs of this project do alike: standard output that may be a pipe which somebody closes, panics,
//! and the colours of curves.

use std::io::{self, ErrorKind, IsTerminal, Write};

use crate::say::{printable, say};

/// The colours of curves, in their order: red, green and blue.
pub const COLOURS: [[u8; 3]; 10] = [
    [31, 119, 180],
    [214, 39, 40],
    [44, 160, 44],
    [148, 103, 189],
    [255, 127, 14],
    [140, 86, 75],
    [227, 119, 194],
    [127, 127, 127],
    [188, 189, 34],
    [23, 190, 207],
];

/// Writes to standard output at once; to a terminal, nothing that it would obey. A reader that has seen
/// enough, such as `head`, ends the program quietly.
///
/// # Errors
///
/// When it cannot be written to.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    let text = match out.is_terminal() {
        true => printable(text),
        false => text.into(),
    };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => written,
    }
}

/// Has a panic say, on standard error, that it is an error of the program, which is called `program`.
pub fn report_panics(program: &'static str) {
    std::panic::set_hook(Box::new(move |panic| {
        // The thread of the dashboard panics where its terminal is gone, and the training goes on.
        if std::thread::current().name() == Some("train-renderer") {
            return;
        }
        say(format_args!(
            "{program}: internal error, please report it: {panic}"
        ));
    }));
}
