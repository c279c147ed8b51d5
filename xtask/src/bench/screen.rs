//! A screen without a monitor, whose pixels can be read and whose keyboard can be pressed, and a session bus.
//!
//! What a program shows is read from the framebuffer, from outside: no mark in a page, which may be written before
//! anything is drawn, and nothing that would have to be built into what is measured. A change counts as complete at
//! the look that first saw what then stood still.

use crate::process::Group;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

const WIDTH: u64 = 1280;
const HEIGHT: u64 = 800;
const PIXEL_BYTES: usize = 4;
/// What is right of it is not read: the web view's scroll bars come and go there in their own time.
const READ_WIDTH: usize = 1256;
/// Every so many lines of pixels are read: no text fits between them.
const LINE_STEP: u64 = 5;
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(2);
/// How long something may take to appear.
const LIMIT: Duration = Duration::from_secs(90);
/// A line of pixels through text has more colours than one through an empty area with its borders.
const COLOURS: usize = 8;

/// A band over the whole width of the screen, from a line of pixels to another.
#[derive(Clone, Copy)]
pub struct Band(pub u64, pub u64);

pub const EVERYTHING: Band = Band(0, HEIGHT);

/// The lines of a band that were read.
#[derive(Clone, PartialEq, Eq)]
pub struct Look(Vec<Vec<u8>>);

impl Look {
    /// How many of the lines go through text or pictures, out of all.
    pub fn written(&self) -> (usize, usize) {
        let written = |line: &&Vec<u8>| {
            let mut colours: Vec<&[u8]> = line.chunks(PIXEL_BYTES).collect();
            colours.sort_unstable();
            colours.dedup();
            colours.len() >= COLOURS
        };
        (self.0.iter().filter(written).count(), self.0.len())
    }

    /// How many lines are not as in the other.
    pub fn differing(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).filter(|(a, b)| a != b).count()
    }
}

/// The keys that are pressed here, with X's names for them (`keysymdef.h`).
#[derive(Clone, Copy)]
pub enum Key {
    J = 0x6a,
    Down = 0xff54,
    Enter = 0xff0d,
    Escape = 0xff1b,
}

pub struct Screen {
    _xvfb: Group,
    _bus: Group,
    display: String,
    bus_address: String,
    home: PathBuf,
    pixels: File,
    /// Of the first pixel in the file, and of a line, in bytes.
    start: u64,
    line: u64,
    keyboard: RustConnection,
}

impl Screen {
    /// `home`: an empty folder for all that the programs on it keep.
    ///
    /// # Errors
    /// When there is no Xvfb or no dbus-daemon, or either does not do what it should.
    pub fn start(home: &Path) -> Result<Self, String> {
        let size = format!("{WIDTH}x{HEIGHT}x24");
        let mut xvfb = Command::new("Xvfb");
        xvfb.args([
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-nocursor",
            "-screen",
            "0",
            &size,
        ])
        .arg("-fbdir")
        .arg(home);
        let (xvfb, number) = says(xvfb, "Xvfb")?;
        let mut bus = Command::new("dbus-daemon");
        bus.args(["--session", "--nofork", "--print-address=1"]);
        let (bus, bus_address) = says(bus, "dbus-daemon")?;
        let display = format!(":{number}");
        let (keyboard, screen) = x11rb::connect(Some(&display)).map_err(|e| format!("{display}: {e}"))?;
        // Over the window, which gets the keys, and over none of its rows: one that scrolls under it is lit a tenth of a
        // second later, which is no answer to a key.
        let root = keyboard.setup().roots[screen].root;
        keyboard
            .warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, WIDTH as i16 - 1, HEIGHT as i16 - 1)
            .map_err(|e| format!("{display}: {e}"))?;
        keyboard.flush().map_err(|e| format!("{display}: {e}"))?;
        let path = home.join("Xvfb_screen0");
        let pixels = File::open(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        // The head of an XWD file: numbers of four bytes, then the colours, then the lines.
        let number = |at: u64| {
            let mut bytes = [0; 4];
            read_at(&pixels, at * 4, &mut bytes).map(|()| u64::from(u32::from_be_bytes(bytes)))
        };
        let (start, line) = (number(0)? + 12 * number(19)?, number(12)?);
        Ok(Self {
            _xvfb: xvfb,
            _bus: bus,
            display,
            bus_address,
            home: home.to_owned(),
            pixels,
            start,
            line,
            keyboard,
        })
    }

    /// A program that will show itself here. It sees nothing of the person who measures.
    pub fn program(&self, path: &Path) -> Command {
        let mut words = Command::new(path);
        words
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus_address)
            .env("NO_AT_BRIDGE", "1")
            .env("GDK_BACKEND", "x11")
            .env("LANG", "C.UTF-8")
            .env("HOME", &self.home);
        for folder in ["CONFIG", "DATA", "CACHE"] {
            words.env(format!("XDG_{folder}_HOME"), self.home.join(folder.to_lowercase()));
        }
        words
    }

    /// What is in the band now.
    pub fn look(&self, band: Band) -> Result<Look, String> {
        let line = |y: u64| {
            let mut line = vec![0; READ_WIDTH * PIXEL_BYTES];
            read_at(&self.pixels, self.start + y * self.line, &mut line).map(|()| line)
        };
        (band.0..band.1)
            .filter(|y| (y - band.0).is_multiple_of(LINE_STEP))
            .map(line)
            .collect::<Result<_, _>>()
            .map(Look)
    }

    /// Waits until nothing of the program before is there.
    pub fn empty(&self) -> Result<(), String> {
        let begun = Instant::now();
        while self.look(EVERYTHING)?.written().0 > 0 {
            if begun.elapsed() > LIMIT {
                return Err("the screen does not become empty".into());
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// From `begun` until the band looks as it does once it stands still for `still`, and what it then looks like.
    /// `complete` says whether that can be all: while it is not, standing still does not count.
    pub fn settled(
        &self,
        band: Band,
        begun: Instant,
        still: Duration,
        program: &mut Group,
        complete: impl Fn(&Look) -> bool,
    ) -> Result<(Duration, Look), String> {
        let (mut last, mut changed) = (self.look(band)?, begun.elapsed());
        loop {
            std::thread::sleep(LOOK);
            let seen = self.look(band)?;
            let now = begun.elapsed();
            if seen != last {
                (last, changed) = (seen, now);
            } else if now > changed + still && complete(&last) {
                return Ok((changed, last));
            }
            if now > LIMIT {
                return Err(format!(
                    "what was waited for is not on the screen after {} s",
                    LIMIT.as_secs()
                ));
            }
            if program.ended().is_some() {
                return Err("the program ended; what it said is above".into());
            }
        }
    }

    /// Presses and lets go a key. The time is that just before.
    pub fn press(&self, key: Key) -> Result<Instant, String> {
        let failed = |e: &dyn std::fmt::Display| format!("the key cannot be pressed: {e}");
        let setup = self.keyboard.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self.keyboard.get_keyboard_mapping(first, last - first + 1);
        let map = map.map_err(|e| failed(&e))?.reply().map_err(|e| failed(&e))?;
        let each = usize::from(map.keysyms_per_keycode).max(1);
        let at = map
            .keysyms
            .chunks(each)
            .position(|names| names.first() == Some(&(key as u32)));
        let code = at
            .and_then(|at| u8::try_from(at).ok())
            .ok_or_else(|| failed(&"it is not on the keyboard"))?;
        let begun = Instant::now();
        for event in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            let sent = self
                .keyboard
                .xtest_fake_input(event, first + code, 0, x11rb::NONE, 0, 0, 0);
            sent.map_err(|e| failed(&e))?;
        }
        self.keyboard.flush().map_err(|e| failed(&e))?;
        Ok(begun)
    }
}

fn read_at(mut file: &File, at: u64, into: &mut [u8]) -> Result<(), String> {
    let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(into));
    read.map_err(|e| format!("the screen cannot be read: {e}"))
}

/// Starts a program and gives its first line.
fn says(mut words: Command, name: &str) -> Result<(Group, String), String> {
    words.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut group = Group::start(words, name)?;
    let mut line = String::new();
    let out = group.take_stdout().ok_or_else(|| format!("{name} has no output"))?;
    BufReader::new(out).read_line(&mut line).map_err(|e| e.to_string())?;
    match line.trim() {
        "" => Err(format!("{name} does not start")),
        line => Ok((group, line.to_owned())),
    }
}
