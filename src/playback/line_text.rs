//! Makes the screen's text of one line of a log. Reads no file.

use scenario_log::decode::LogRecord;
use scenario_log::reader::LogReadError;
use scenario_log::time::Moment;

use crate::terminal::event_lines::{EventRenderer, LineRenderer};

/// The most bytes that are shown of one event. The renderer usually shows less.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// Appends the text of a line, which has this number and this moment. A line of an unknown kind gives no
/// text.
pub(super) fn render_line(
    bytes: &[u8],
    (number, t): (u64, Moment),
    renderer: &mut LineRenderer,
    out: &mut String,
) -> Result<(), LogReadError> {
    let damaged = |fault| LogReadError::damaged(number, fault);
    let record = LogRecord::decode(bytes).map_err(damaged)?;
    if let Some(event) = record.event().map_err(damaged)? {
        renderer.render_event(out, t, &event, MAX_EVENT_BYTES);
    }
    Ok(())
}
