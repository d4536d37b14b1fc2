//! The terminal behind standard error, and the progress line on it.
//!
//! All that this process writes to that terminal goes through here. The progress line is erased, the text
//! is written, and the line is drawn again below it, in one system call, so that no trace of the line
//! remains. Standard output goes through here only if it is the same terminal.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::ascii::to_ascii;
use crate::terminal;

/// Erases the row of the cursor, from its beginning. Not all of the screen below it (ED): tmux moves what
/// that erases from the top of the screen to the scrollback, where it would remain.
const ERASE_ROW: &str = "\r\x1b[K";
/// Erases the next row too; between these two.
const ERASE_NEXT_ROW: &str = "\x1b[B\x1b[2K";
const SAVE_CURSOR: &str = "\x1b7";
const RESTORE_CURSOR: &str = "\x1b8";

static SCREEN: Mutex<Screen> = Mutex::new(Screen {
    line: None,
    drawn: 0,
});
/// Whether the terminal may have echoed a key on the row of the cursor.
static HAS_ECHO: AtomicBool = AtomicBool::new(false);

/// What is on the row of the cursor.
struct Screen {
    /// The progress line, if there is one.
    line: Option<String>,
    /// How many characters of it are drawn. The cursor is at its beginning, so that a terminal that becomes
    /// narrower and breaks it into several rows leaves the cursor in the first of them.
    drawn: usize,
}

fn screen() -> MutexGuard<'static, Screen> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The screen, unless something is being written to the terminal or it takes nothing now, as after
/// Ctrl-S.
fn free_screen() -> Option<MutexGuard<'static, Screen>> {
    let screen = match SCREEN.try_lock() {
        Ok(screen) => screen,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return None,
    };
    let stderr = io::stderr();
    let mut ready = [PollFd::new(&stderr, PollFlags::OUT)];
    let now = Timespec::try_from(Duration::ZERO).ok();
    // A stream that cannot be polled is written to.
    let is_blocked = poll(&mut ready, now.as_ref()) == Ok(0);
    (!is_blocked).then_some(screen)
}

/// Writes text to standard error.
pub(crate) fn write(text: &str) -> io::Result<()> {
    screen().write(&mut io::stderr(), text.as_bytes())
}

/// As [`write()`], or does nothing where it would have to wait.
pub(crate) fn write_if_free(text: &str) -> io::Result<()> {
    match free_screen() {
        Some(mut screen) => screen.write(&mut io::stderr(), text.as_bytes()),
        None => Ok(()),
    }
}

/// Draws the progress line, in place of the one before. Does nothing where it would have to wait.
pub(crate) fn draw(line: String) {
    if let Some(mut screen) = free_screen() {
        let erased = screen.erasure();
        screen.line = Some(line);
        // There is nobody to tell about a terminal that cannot be written to.
        let _ = io::stderr().write_all((erased + &screen.draw()).as_bytes());
    }
}

/// Erases the progress line.
pub(crate) fn erase() {
    screen().erase();
}

/// Erases the progress line, and draws none until `act` returns. The terminal may have echoed a key.
pub(crate) fn leave_while(act: impl FnOnce()) {
    expect_echo();
    let mut screen = screen();
    screen.erase();
    act();
}

/// Takes note that a signal has arrived, whose key the terminal may have echoed.
pub(crate) fn expect_echo() {
    let is_terminal = terminal::moves_cursor(&io::stderr());
    HAS_ECHO.store(is_terminal, Ordering::Relaxed);
}

impl Screen {
    /// What erases the progress line and what the terminal has echoed over it (`^C`), if there is any.
    fn erasure(&self) -> String {
        let has_echo = HAS_ECHO.swap(false, Ordering::Relaxed);
        if self.line.is_none() {
            return String::from(if has_echo { ERASE_ROW } else { "" });
        }
        let rows = self.drawn.div_ceil(terminal::columns(io::stderr()));
        match rows.saturating_sub(1) {
            0 => String::from(ERASE_ROW),
            more => {
                let next = ERASE_NEXT_ROW.repeat(more);
                format!("{ERASE_ROW}{SAVE_CURSOR}{next}{RESTORE_CURSOR}")
            }
        }
    }

    fn erase(&mut self) {
        let erased = self.erasure();
        self.line = None;
        // There is nobody to tell about a terminal that cannot be written to.
        let _ = io::stderr().write_all(erased.as_bytes());
    }

    /// What draws the progress line, and moves the cursor to its beginning.
    fn draw(&mut self) -> String {
        let Some(line) = &self.line else {
            return String::new();
        };
        // In the last column, a terminal would go on in the next row.
        let columns_max = terminal::columns(io::stderr()) - 1;
        let shown: String = line.chars().take(columns_max).collect();
        self.drawn = shown.chars().count();
        shown + "\r"
    }

    fn write(&mut self, out: &mut impl Write, text: &[u8]) -> io::Result<()> {
        let erased = self.erasure();
        let drawn = self.draw();
        if erased.is_empty() && drawn.is_empty() {
            return out.write_all(text);
        }
        out.write_all(&[erased.as_bytes(), text, drawn.as_bytes()].concat())
    }
}

/// Standard output, if it is a terminal that needs care.
pub(crate) struct TerminalLines {
    out: File,
    /// Whether it is the terminal behind standard error.
    is_shared: bool,
    /// Whether the lines are text that the terminal can only show as ASCII.
    as_ascii: bool,
}

impl TerminalLines {
    /// Returns the stream itself if nothing needs care. `as_ascii` is whether the lines are text that is
    /// shown as ASCII.
    pub(crate) fn new(out: File, as_ascii: bool) -> Result<Self, File> {
        let is_shared = terminal::are_one(&out, &io::stderr());
        match is_shared || (as_ascii && out.is_terminal()) {
            true => Ok(Self {
                out,
                is_shared,
                as_ascii,
            }),
            false => Err(out),
        }
    }
}

impl Write for TerminalLines {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let text = self.as_ascii.then(|| String::from_utf8_lossy(lines));
        let ascii = text.as_ref().map(|text| to_ascii(text));
        let shown = ascii.as_ref().map_or(lines, |ascii| ascii.as_bytes());
        match self.is_shared {
            true => screen().write(&mut self.out, shown)?,
            false => self.out.write_all(shown)?,
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
