//! The live page's server, as those who ask see it: section G of the faults by its rows, what a page is
//! shown, and what can be done on one. Real sockets, and the real program.

mod asker;
mod gate;
mod guests;
mod playback;
mod shown;
mod slow;
mod typed;
