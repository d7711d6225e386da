//! The Rust types of the fields of an event, under the names that the event table uses for them.
//! Aliases only: the compiler then knows that an event with a longer lifetime fits a shorter one.
//! (With associated types it does not know.)

use crate::event;
use crate::name::PlayerName;
use crate::{signal, time};

pub(crate) type Required<T> = T;
pub(crate) type Optional<T> = Option<T>;

pub(crate) type Moment<'a> = time::Moment;
pub(crate) type Span<'a> = time::Span;
pub(crate) type Count<'a> = u64;
pub(crate) type Pid<'a> = u32;
pub(crate) type Status<'a> = u16;
pub(crate) type Register<'a> = i64;
pub(crate) type Flag<'a> = bool;
pub(crate) type Text<'a> = &'a str;
pub(crate) type Name<'a> = &'a str;
pub(crate) type Player<'a> = PlayerName<'a>;
pub(crate) type EntryRef<'a> = event::EntryName<'a>;
pub(crate) type SpawnId<'a> = event::Source;
pub(crate) type RequestId<'a> = event::Source;
pub(crate) type GuestId<'a> = event::Source;
pub(crate) type MoverId<'a> = event::Source;
pub(crate) type TargetId<'a> = event::Source;
pub(crate) type Direction<'a> = event::Direction;
pub(crate) type FetchErrorKind<'a> = event::FetchErrorKind;
pub(crate) type Signal<'a> = signal::Signal;
pub(crate) type Headers<'a> = &'a [event::HttpHeader];
pub(crate) type Position<'a> = [u32; 2];
pub(crate) type Positions<'a> = &'a event::WorldPositions;
pub(crate) type Waiting<'a> = &'a [(String, String)];
