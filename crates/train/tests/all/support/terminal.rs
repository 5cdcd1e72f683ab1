//! The program in a terminal of its own, and what a person does there.

use std::io::{Read, Write};
use std::process::Child;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::termios::{LocalModes, tcgetattr};

/// A terminal, and a program that has it.
pub struct Terminal {
    pty: Pty,
    child: Child,
    /// What was written there so far.
    seen: String,
}

impl Terminal {
    /// Starts the program there; `failpoint` is where it stops by itself, if anywhere.
    pub fn start(arguments: &[&str], failpoint: Option<&str>) -> Self {
        // Whoever runs the tests may ignore that a terminal is closed, and so would the program.
        let command = Command::new("env")
            .args(["--default-signal=HUP", env!("CARGO_BIN_EXE_backdraft")])
            .args(arguments);
        Self::run(command, failpoint, "xterm-256color")
    }

    /// Starts any program in a terminal of some kind.
    pub fn run(command: Command, failpoint: Option<&str>, kind: &str) -> Self {
        let (pty, inside) = open().unwrap();
        pty.resize(Size::new(50, 160)).unwrap();
        let command = command
            .env("TERM", kind)
            .env("BACKDRAFT_FAILPOINT", failpoint.unwrap_or("wait:never:1"));
        let child = command.spawn(inside).unwrap();
        Self {
            pty,
            child,
            seen: String::new(),
        }
    }

    /// Waits until this is written there.
    #[track_caller]
    pub fn see(&mut self, expected: &str) {
        while !self.seen.contains(expected) {
            assert!(self.read(), "no `{expected}` in: {}", self.seen);
        }
    }

    /// Whether there was more to see.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        // A terminal that nobody has any more is an error for who looks at it.
        let read = self.pty.read(&mut buffer).unwrap_or(0);
        self.seen += &String::from_utf8_lossy(&buffer[..read]);
        read > 0
    }

    /// Types something.
    pub fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).unwrap();
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// What there was to see when the program ended, and its exit code. The terminal is as it was before.
    #[track_caller]
    pub fn end(mut self) -> (String, Option<i32>) {
        while self.read() {}
        let code = self.child.wait().unwrap().code();
        let (shown, left) = (
            self.seen.rfind("\x1b[?1049h"),
            self.seen.rfind("\x1b[?1049l"),
        );
        assert!(shown <= left, "the dashboard is still there: {}", self.seen);
        let modes = tcgetattr(&self.pty).unwrap().local_modes;
        for mode in [LocalModes::ECHO, LocalModes::ICANON, LocalModes::ISIG] {
            assert!(modes.contains(mode), "{mode:?} is off: {}", self.seen);
        }
        (self.seen, code)
    }

    /// The terminal is closed; the exit code of the program.
    pub fn close(mut self) -> Option<i32> {
        drop(self.pty);
        self.child.wait().unwrap().code()
    }
}

/// Whether the dashboard was ever there.
pub fn had_dashboard(seen: &str) -> bool {
    seen.contains("\x1b[?1049h")
}
