//! The server of the live page, as its clients see it: which requests are allowed, what a page gets,
//! and what it can do. Real sockets, and the real program.

mod asker;
mod gate;
mod guests;
mod playback;
mod shown;
mod slow;
mod stays;
mod typed;
