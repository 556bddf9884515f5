//! The terminal that progress lines are drawn on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

/// How many columns a progress line leaves free at the right.
///
/// A terminal shows Ctrl-C where the cursor is: as `^C` in these columns, else at the beginning of
/// the next line, and then the first of the progress lines would stay on the screen for ever.
pub(crate) const FREE_COLUMNS: usize = 2;

/// How often the lines are drawn at most, in a second.
const DRAWN: u8 = 20;

/// Standard error, for progress lines; none is drawn once it is paused, and then there is no way back:
/// what draws takes lines for drawn that are not.
pub(super) fn target(paused: Arc<AtomicBool>) -> ProgressDrawTarget {
    let live =
        Live { terminal: Term::buffered_stderr(), line_ends: AtomicBool::new(false), paused };
    ProgressDrawTarget::term_like_with_hz(Box::new(live), DRAWN)
}

/// A terminal whose lines are as long as their texts. What draws on it fills them with spaces up to
/// the last column; the cursor would wait there, and a terminal that gets narrow would break them.
#[derive(Debug)]
struct Live {
    terminal: Term,
    /// The line was filled: what comes next stands on another one.
    line_ends: AtomicBool,
    paused: Arc<AtomicBool>,
}

impl Live {
    fn draw(&self, draw: impl FnOnce(&Term) -> io::Result<()>) -> io::Result<()> {
        if self.paused.load(Ordering::Relaxed) { Ok(()) } else { draw(&self.terminal) }
    }
}

impl TermLike for Live {
    fn width(&self) -> u16 {
        self.terminal.size().1
    }

    fn height(&self) -> u16 {
        self.terminal.size().0
    }

    fn move_cursor_up(&self, rows: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_up(rows))
    }

    fn move_cursor_down(&self, rows: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_down(rows))
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_right(columns))
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_left(columns))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.draw(|terminal| terminal.write_line(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if !text.is_empty() && text.bytes().all(|byte| byte == b' ') {
            self.line_ends.store(true, Ordering::Relaxed);
            return Ok(());
        }
        if self.line_ends.swap(false, Ordering::Relaxed) {
            self.draw(|terminal| terminal.write_line(""))?;
        }
        self.draw(|terminal| terminal.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw(Term::clear_line)
    }

    fn flush(&self) -> io::Result<()> {
        // Behind the last line, the cursor waits where its text ends.
        self.line_ends.store(false, Ordering::Relaxed);
        self.draw(|terminal| terminal.flush())
    }
}
