//! Sinks: what consumes the events of a run beside its log, such as the live page. They are fed by the
//! [recorder](crate::run::recorder), and never change a run.

use std::cell::RefCell;
use std::rc::Rc;

use crate::report::feed::LogEvent;
use crate::report::junit_cases::JunitCases;
use crate::report::metrics::faults::RunFaults;
use crate::report::run_annotations::RunAnnotations;
use crate::web::page::LivePage;

/// Consumes the events of a run.
pub trait RunSink {
    /// Takes an event, before the log has it.
    fn on_event(&mut self, logged: &LogEvent<'_, '_>);
}

/// A sink that its owner reads later.
impl<S: RunSink> RunSink for Rc<RefCell<S>> {
    fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        self.borrow_mut().on_event(logged);
    }
}

impl RunSink for JunitCases {
    fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        JunitCases::on_event(self, logged);
    }
}

impl RunSink for RunAnnotations {
    fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        RunAnnotations::on_event(self, logged);
    }
}

impl RunSink for RunFaults {
    fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        RunFaults::on_event(self, logged);
    }
}

impl RunSink for LivePage {
    fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        LivePage::on_event(self, logged);
    }
}
