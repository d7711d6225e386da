//! Requests on the screen: one by one, but those of a load.

use crate::terminal::event_lines::{BAD, DIM, GOOD, Screen, WARN, counted, push, push_short, short};
use crate::terminal::load_lines::Start;
use scenario_log::event::Event;
use scenario_log::sanitize::{push_visible, visible};
use scenario_log::time::Moment;

impl Screen {
    pub(super) fn fetch(&mut self, out: &mut String, t: Moment, event: &Event<'_>) {
        match event {
            Event::FetchStarted { source, job, method, url, .. } => {
                match self.loads.starts(job) {
                    Start::Other => {}
                    Start::First => return self.load_begins(out, t, job, (method, url)),
                    Start::Further => return,
                }
                self.names.insert(*source, (*job).to_owned());
                self.of(out, t, *source, |out| {
                    push_visible(out, method);
                    out.push(' ');
                    push_visible(out, url);
                });
            }
            Event::FetchResponded { source, status, version, .. } => {
                let version = visible(version);
                self.of(out, t, *source, |out| push(out, format_args!("answered {status} ({version})")));
            }
            Event::FetchLine { source, text, .. } => self.of(out, t, *source, |out| {
                out.push_str("| ");
                push_short(out, text);
            }),
            Event::FetchFinished { source, fetched, ok } => {
                let is_of_load = self.names.remove(source).is_none() && self.loads.are_there();
                if is_of_load && (*ok || !self.shows_failure(out, t)) {
                    return;
                }
                let style = if *ok { GOOD } else { BAD };
                let (status, bytes) = (fetched.status, counted(fetched.bytes, "byte"));
                let took = short(fetched.took);
                self.of(out, t, *source, |out| {
                    self.styled(out, style, |out| {
                        push(out, format_args!("{status}, {bytes} in {took}"));
                        if let Some(check) = &fetched.check {
                            out.push_str(": ");
                            push_visible(out, check);
                        }
                    });
                });
            }
            Event::FetchFailed { source, kind, error, took } => {
                let is_of_load = self.names.remove(source).is_none() && self.loads.are_there();
                if is_of_load && !self.shows_failure(out, t) {
                    return;
                }
                let took = short(*took);
                self.of(out, t, *source, |out| {
                    self.styled(out, BAD, |out| {
                        push(out, format_args!("failed ({}) after {took}: ", kind.name()));
                        push_visible(out, error);
                    });
                });
            }
            _ => {}
        }
    }

    fn load_begins(&self, out: &mut String, t: Moment, job: &str, (method, url): (&str, &str)) {
        self.line(out, t, "load", WARN, |out| {
            push(out, format_args!("{job} begins: "));
            push_visible(out, method);
            out.push(' ');
            push_visible(out, url);
        });
    }

    /// Whether one more failed request of a load is shown; of the last one this is said.
    fn shows_failure(&mut self, out: &mut String, t: Moment) -> bool {
        let is_last = self.loads.fails();
        if is_last == Some(true) {
            self.line(out, t, "load", DIM, |out| {
                out.push_str("this failure is the last that is shown; the log has all")
            });
        }
        is_last.is_some()
    }
}
