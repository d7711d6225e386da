//! A log, told to whoever makes something of it: read once, line by line, in memory that does not
//! grow.

use std::io::{self, Read};

use scenario_log::decode::Record;
use scenario_log::event::Event;
use scenario_log::reader::{Line, Reader, Unreadable};
use scenario_log::time::Moment;

/// One event, with where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a, 'e> {
    /// The line of the log, from 1.
    pub line: u64,
    /// When it happened.
    pub t: Moment,
    /// The event; none if it is of a kind that is not known.
    pub event: Option<&'a Event<'e>>,
}

/// Who makes something of a log.
pub trait Hear {
    /// Is told an event. `bytes` is its whole line without the newline.
    ///
    /// # Errors
    /// When what is made cannot be written.
    fn hear(&mut self, told: &Told<'_, '_>, bytes: &[u8]) -> io::Result<()>;
}

/// Why a log was not told to its end.
#[derive(Debug)]
pub enum Untold {
    /// It cannot be read.
    Unreadable(Unreadable),
    /// What one of the listeners makes cannot be written.
    Unwritten(io::Error),
}

impl From<Unreadable> for Untold {
    fn from(unreadable: Unreadable) -> Untold {
        Untold::Unreadable(unreadable)
    }
}

/// Tells a log to its end, or to where it was cut short.
///
/// # Errors
/// If it cannot be read, or what is made of it cannot be written.
pub fn tell<R: Read>(reader: &mut Reader<R>, listeners: &mut [&mut dyn Hear]) -> Result<(), Untold> {
    while let Some(line) = reader.peek()? {
        tell_line(line, listeners)?;
        reader.pass();
    }
    Ok(())
}

fn tell_line(line: Line<'_>, listeners: &mut [&mut dyn Hear]) -> Result<(), Untold> {
    let damaged = |fault| Unreadable::damaged(line.number, fault);
    let record = Record::read(line.bytes).map_err(damaged)?;
    let event = record.event().map_err(damaged)?;
    let told = Told { line: line.number, t: line.t, event: event.as_ref() };
    for listener in listeners.iter_mut() {
        listener.hear(&told, line.bytes).map_err(Untold::Unwritten)?;
    }
    Ok(())
}
