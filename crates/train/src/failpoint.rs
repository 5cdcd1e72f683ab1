//! A place where a test stops the program: a kill at a random moment would seldom hit what is written in a
//! millisecond, and which moment it hits would depend on the machine.
//!
//! ```text
//! BACKDRAFT_FAILPOINT=kill:checkpoint/model.bpk:3    dies in the middle of the third such file
//! BACKDRAFT_FAILPOINT=wait:step:120                  after 120 steps says so, and waits for Ctrl-C
//! BACKDRAFT_FAILPOINT=hang:step:120                  says so, and waits for ever
//! BACKDRAFT_FAILPOINT=full:run/metrics.jsonl:2       the disk is full from the middle of the second line on
//! ```

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::interrupt;
use crate::say::say;

const VARIABLE: &str = "BACKDRAFT_FAILPOINT";

static ASKED: LazyLock<Option<Failpoint>> = LazyLock::new(|| {
    let asked = std::env::var(VARIABLE).ok()?;
    let Ok(failpoint) = asked.parse() else {
        say(format_args!(
            "error: {VARIABLE}: expected `kill:PLACE:TIME`, or wait, hang or full in the place of kill, \
             found `{asked}`"
        ));
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
    /// Say so, and wait until the user wants to leave.
    Wait,
    /// Say so, and wait whatever the user wants.
    Hang,
    /// Find no room on the disk from here on.
    Full,
}

static FULL: AtomicBool = AtomicBool::new(false);

impl FromStr for Failpoint {
    type Err = ();

    fn from_str(asked: &str) -> Result<Self, ()> {
        let (rest, time) = asked.rsplit_once(':').ok_or(())?;
        let (what, place) = rest.split_once(':').ok_or(())?;
        let what = match what {
            "kill" => What::Kill,
            "wait" => What::Wait,
            "hang" => What::Hang,
            "full" => What::Full,
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
    let waits = |leaves: &dyn Fn() -> bool| {
        say(format_args!("waiting at {place} {}", asked.time));
        while !leaves() {
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    match asked.what {
        What::Kill => std::process::abort(),
        What::Wait => waits(&|| interrupt::wanted().load(Ordering::Relaxed)),
        What::Hang => waits(&|| false),
        What::Full => FULL.store(true, Ordering::Relaxed),
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
    has_room()?;
    file.write_all(first)?;
    reached(place);
    has_room()?;
    file.write_all(rest)
}

fn has_room() -> io::Result<()> {
    match FULL.load(Ordering::Relaxed) {
        // As the system says it.
        true => Err(io::Error::from_raw_os_error(28)),
        false => Ok(()),
    }
}
