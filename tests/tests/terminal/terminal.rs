//! A terminal with a program in it: what a user sees, and what a user presses.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::{Cell, Color, Parser, Screen};

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(120);

const ROWS: u16 = 90;

/// A program in a terminal of its own.
pub struct Terminal {
    seen: Arc<Seen>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
}

/// What came out of the program so far.
struct Seen {
    state: Mutex<State>,
    more: Condvar,
}

struct State {
    parser: Parser,
    bytes: Vec<u8>,
    ended: bool,
}

impl Terminal {
    /// Starts a program in a terminal of so many columns.
    pub fn start(command: CommandBuilder, columns: u16) -> Self {
        let pair = native_pty_system().openpty(size(columns)).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        // The output ends when nobody can write any more.
        drop(pair.slave);
        let parser = Parser::new(ROWS, columns, 0);
        let state = Mutex::new(State { parser, bytes: Vec::new(), ended: false });
        let seen = Arc::new(Seen { state, more: Condvar::new() });
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let to = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal whose program has ended is one that cannot be read.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let mut state = to.lock();
                state.parser.process(&buffer[..count]);
                state.bytes.extend(&buffer[..count]);
                to.more.notify_all();
            }
            to.lock().ended = true;
            to.more.notify_all();
        });
        Self { seen, master: pair.master, keyboard, child }
    }

    /// Waits until the screen shows something, and panics if it never does. Gives that very screen:
    /// the next one may be only half drawn.
    #[track_caller]
    pub fn wait_for(&self, what: &str, shows: impl Fn(&str) -> bool) -> Shown {
        let seen = self.seen.lock();
        let waited = self.seen.more.wait_timeout_while(seen, PATIENCE, |state| {
            !shows(&shown(state.parser.screen())) && !state.ended
        });
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let screen = shown(state.parser.screen());
        assert!(shows(&screen), "the screen does not show {what}:\n{screen}");
        Shown(state.parser.screen().clone())
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Makes the terminal as wide as this.
    pub fn resize(&self, columns: u16) {
        let mut state = self.seen.lock();
        state.parser.screen_mut().set_size(ROWS, columns);
        self.master.resize(size(columns)).unwrap();
    }

    /// Waits for the end; the exit code. All that was printed has been seen by then, and the cursor
    /// stands at the beginning of a line, to be seen.
    #[track_caller]
    pub fn end(&mut self) -> u32 {
        let seen = self.seen.lock();
        let ended = |state: &mut State| !state.ended;
        let waited = self.seen.more.wait_timeout_while(seen, PATIENCE, ended);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let screen = state.parser.screen();
        assert!(state.ended, "the program does not end:\n{}", shown(screen));
        assert!(!screen.hide_cursor(), "the cursor stays hidden");
        assert_eq!(screen.cursor_position().1, 0, "a line is not ended:\n{}", shown(screen));
        drop(state);
        self.child.wait().unwrap().exit_code()
    }

    /// What the screen shows once the program has ended.
    pub fn screen(&self) -> Shown {
        Shown(self.seen.lock().parser.screen().clone())
    }

    /// All that was printed.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen.lock().bytes.clone()
    }
}

/// What a screen shows at one moment.
pub struct Shown(Screen);

impl Shown {
    /// Its text.
    pub fn text(&self) -> String {
        shown(&self.0)
    }

    /// Its text, with marks where its look changes: `[green]nginx[/]`.
    pub fn colours(&self) -> String {
        let screen = &self.0;
        let (rows, columns) = screen.size();
        let mut text = String::new();
        for row in 0..rows {
            let mut line = String::new();
            let mut look = String::new();
            for cell in (0..columns).filter_map(|column| screen.cell(row, column)) {
                if cell.is_wide_continuation() {
                    continue;
                }
                let now = look_of(cell);
                if now != look {
                    let end = if look.is_empty() { "" } else { "[/]" };
                    let start = if now.is_empty() { String::new() } else { format!("[{now}]") };
                    let _ = write!(line, "{end}{start}");
                    look = now;
                }
                line.push_str(if cell.has_contents() { cell.contents() } else { " " });
            }
            if !look.is_empty() {
                line.push_str("[/]");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        format!("{}\n", text.trim_end())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended, unless the test fails.
        let _ = self.child.kill();
    }
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows of a screen, each a line of its own even where the text goes on in the next.
fn shown(screen: &Screen) -> String {
    let rows = screen.rows(0, screen.size().1).map(|row| row.trim_end().to_owned());
    let text = rows.collect::<Vec<_>>().join("\n");
    format!("{}\n", text.trim_end())
}

fn size(columns: u16) -> PtySize {
    PtySize { rows: ROWS, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn look_of(cell: &Cell) -> String {
    let colour = match cell.fgcolor() {
        Color::Default => "",
        Color::Idx(1) => "red",
        Color::Idx(2) => "green",
        Color::Idx(3) => "yellow",
        Color::Idx(6) => "cyan",
        other => return format!("{other:?}"),
    };
    let looks = [(cell.bold(), "bold"), (cell.dim(), "dim"), (!colour.is_empty(), colour)];
    let looks = looks.iter().filter(|(is_so, _)| *is_so).map(|(_, name)| *name);
    looks.collect::<Vec<_>>().join(" ")
}
