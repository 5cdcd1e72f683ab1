//! A place where a test stops the program: a kill at a random moment would seldom hit what is written in a
//! millisecond, and which moment it hits would depend on the machine.
//!
//! ```text
//! BACKDRAFT_FAILPOINT=kill:checkpoint/model.bpk:3    dies in the middle of the third such file
//! BACKDRAFT_FAILPOINT=wait:step:120                  after 120 steps says so, and waits for Ctrl-C
//! ```

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::interrupt;

const VARIABLE: &str = "BACKDRAFT_FAILPOINT";

static ASKED: LazyLock<Option<Failpoint>> = LazyLock::new(|| {
    let asked = std::env::var(VARIABLE).ok()?;
    let Ok(failpoint) = asked.parse() else {
        eprintln!(
            "error: {VARIABLE}: expected `kill:PLACE:TIME` or `wait:PLACE:TIME`, found `{asked}`"
        );
        std::process::exit(2);
    };
    Some(failpoint)
});

/// Ends the program if it is asked to stop at what is no place, before it has touched anything.
pub(crate) fn check() {
    LazyLock::force(&ASKED);
}

struct Failpoint {
    what: What,
    place: String,
    /// The first time is 1.
    time: usize,
    reached: AtomicUsize,
}

enum What {
    /// Die as one who is killed does: nothing is finished, nothing is flushed.
    Kill,
    /// Say so, and wait until the user wants to leave, or for ever.
    Wait,
}

impl FromStr for Failpoint {
    type Err = ();

    fn from_str(asked: &str) -> Result<Self, ()> {
        let (rest, time) = asked.rsplit_once(':').ok_or(())?;
        let (what, place) = rest.split_once(':').ok_or(())?;
        let what = match what {
            "kill" => What::Kill,
            "wait" => What::Wait,
            _ => return Err(()),
        };
        Ok(Self {
            what,
            place: place.to_string(),
            time: time.parse().map_err(|_| ())?,
            reached: AtomicUsize::new(0),
        })
    }
}

/// Stops here if this is the place that was asked for, and the time.
pub(crate) fn reached(place: impl Display) {
    let Some(asked) = ASKED.as_ref() else {
        return;
    };
    if asked.place != place.to_string()
        || asked.reached.fetch_add(1, Ordering::Relaxed) + 1 != asked.time
    {
        return;
    }
    match asked.what {
        What::Kill => std::process::abort(),
        What::Wait => {
            eprintln!("waiting at {place} {}", asked.time);
            while !interrupt::wanted().load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// The place in the middle of a file of a run.
pub(crate) fn run_file(path: &Path) -> impl Display {
    let name = path.file_name().unwrap_or_default();
    fmt::from_fn(move |f| write!(f, "run/{}", name.display()))
}

/// Writes with a failpoint in the middle.
pub(crate) fn write_all(
    file: &mut impl Write,
    content: &[u8],
    place: impl Display,
) -> io::Result<()> {
    let (first, rest) = content.split_at(content.len() / 2);
    file.write_all(first)?;
    reached(place);
    file.write_all(rest)
}
