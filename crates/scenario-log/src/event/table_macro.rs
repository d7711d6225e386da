//! The macro that makes everything out of the table of events: the enum, the kinds, the decoding, the
//! encoding, and the specification that the schema and the expectations read. Knows no single event.
//!
//! # How it works
//!
//! Most events are plain: their fields are their keys. The fields of a few have another shape than
//! their keys (a chunk of lines is `text` or `base64`). The table gives such an event
//! `=> fields as pattern { keys }`; its keys become a struct in `table::rows`, and `event/rows.rs`
//! converts between the two.
//!
//! For each event the macro also makes a struct in `table::fields` with the keys as serde reads them. A
//! line is parsed once, into the struct of its own event.

/// Declares all events; `event/table.rs` shows the form.
macro_rules! events {
    ($(
        $(#[doc = $doc:literal])+
        $Event:ident = $name:literal of $scope:ident
        $( { $( $(#[doc = $key_doc:literal])+ $key:ident: $presence:ident<$type:ident> ),* $(,)? } )?
        $( => $fields:tt as $pattern:tt
            { $( $(#[doc = $row_doc:literal])+ $row_key:ident: $row_presence:ident<$row_type:ident> ),* $(,)? } )?
        $( ($no_keys:ident) )?
    )*) => {
        /// Something that happened. It borrows its parts, since it lives only as long as it takes to
        /// write it.
        #[derive(Clone, Copy, Debug)]
        pub enum Event<'a> {
            $(
                #[doc = concat!("`", $name, "`.")]
                #[doc = ""]
                $(#[doc = $doc])+
                $Event
                $( { $( $(#[doc = $key_doc])+ $key: rust_types::$presence<rust_types::$type<'a>> ),* } )?
                $( $fields )?,
            )*
        }

        /// The place of each event in the table.
        #[derive(Clone, Copy)]
        enum TableIndex { $( $Event ),* }

        /// All events, in the order of the format's description.
        pub(crate) static EVENT_SPECS: &[EventSpec] = &[$(
            EventSpec {
                name: $name,
                doc: &[$($doc),+],
                scope: EventScope::$scope,
                keys: &[
                    $($( key_spec!($key: $presence<$type>, [$($key_doc),+]), )*)?
                    $($( key_spec!($row_key: $row_presence<$row_type>, [$($row_doc),+]), )*)?
                ],
            },
        )*];

        impl<'a> Event<'a> {
            /// Its place in the table.
            pub(crate) fn table_index(&self) -> usize {
                let index = match self {
                    $( Event::$Event { .. } => TableIndex::$Event, )*
                };
                index as usize
            }

            /// Passes every key to `visitor`, in the log's order. (Of a chunk of lines the text is that
            /// of all lines.)
            #[inline]
            pub(crate) fn visit_keys<V: KeyVisitor<'a>>(&self, visitor: &mut V) {
                match *self {
                    $(
                        $( Event::$Event { $($key),* } => {
                            $( visit_key!(visitor, $key: $presence<$type>, $key); )*
                        } )?
                        $( Event::$Event $pattern => row_of!($Event $pattern).visit_keys(visitor), )?
                        $( Event::$Event => no_keys!($no_keys), )?
                    )*
                }
            }
        }

        /// The keys of the events that are not plain.
        pub(crate) mod rows {
            use super::*;

            $($(
                #[derive(Clone, Copy, Debug)]
                pub(crate) struct $Event<'e> {
                    $( pub(crate) $row_key: <$row_presence<$row_type> as LogKey>::Value<'e> ),*
                }

                impl<'e> $Event<'e> {
                    #[inline]
                    pub(crate) fn visit_keys<V: KeyVisitor<'e>>(self, visitor: &mut V) {
                        $( visit_key!(visitor, $row_key: $row_presence<$row_type>, self.$row_key); )*
                    }
                }
            )?)*
        }

        /// The keys of every event, as serde reads them.
        pub(crate) mod fields {
            use super::*;

            $(
                #[derive(Debug, Deserialize)]
                pub(crate) struct $Event<'l> {
                    /// Only so that a second `event` is an error.
                    #[serde(borrow, rename = "event")]
                    _event: CowStr<'l>,
                    $($(
                        #[serde(borrow)]
                        pub(super) $key: Option<<<$presence<$type> as LogKey>::Of as LogValue>::Json<'l>>,
                    )*)?
                    $(
                        $(
                            #[serde(borrow)]
                            pub(super) $row_key:
                                Option<<<$row_presence<$row_type> as LogKey>::Of as LogValue>::Json<'l>>,
                        )*
                        #[serde(skip)]
                        pub(super) owned: OnceCell<<rows::$Event<'static> as EventRow<'static>>::Owned>,
                    )?
                }
            )*
        }

        /// A line, parsed into the keys of its event.
        #[derive(Debug)]
        pub(crate) enum ParsedLine<'l> {
            $(
                #[doc = concat!("`", $name, "`.")]
                $Event(fields::$Event<'l>),
            )*
            /// An event that this release does not know.
            Unknown,
        }

        impl<'l> ParsedLine<'l> {
            /// Parses the keys of the event `name` in `line`.
            pub(crate) fn parse(name: &str, line: &'l str) -> Result<ParsedLine<'l>, serde_json::Error> {
                Ok(match name {
                    $( $name => ParsedLine::$Event(serde_json::from_str(line)?), )*
                    _ => ParsedLine::Unknown,
                })
            }

            /// The event that the keys stand for; `None` if this release does not know it.
            pub(crate) fn event(&self) -> Result<Option<Event<'_>>, DecodeError> {
                Ok(Some(match self {
                    $(
                        $( ParsedLine::$Event(fields) => Event::$Event {
                            $( $key: decode_key!(fields, $key: $presence<$type>) ),*
                        }, )?
                        $( ParsedLine::$Event(fields) => {
                            let row = rows::$Event {
                                $( $row_key: decode_key!(fields, $row_key: $row_presence<$row_type>) ),*
                            };
                            row.into_event(&fields.owned)?
                        } )?
                        $( ParsedLine::$Event($no_keys) => { let _ = $no_keys; Event::$Event } )?
                    )*
                    ParsedLine::Unknown => return Ok(None),
                }))
            }
        }
    };
}

macro_rules! key_spec {
    ($key:ident: $presence:ident<$type:ident>, [$($doc:literal),+]) => {
        KeySpec {
            name: stringify!($key),
            doc: &[$($doc),+],
            is_required: <$presence<$type> as LogKey>::IS_REQUIRED,
            observed: <$type as LogValue>::OBSERVED,
            schema: <$type as LogValue>::schema,
        }
    };
}

macro_rules! visit_key {
    ($visitor:ident, $key:ident: $presence:ident<$type:ident>, $value:expr) => {
        $visitor.visit::<$presence<$type>>(stringify!($key), concat!(",\"", stringify!($key), "\":"), $value)
    };
}

macro_rules! decode_key {
    ($fields:ident, $key:ident: $presence:ident<$type:ident>) => {
        <$presence<$type> as LogKey>::decode(stringify!($key), $fields.$key.as_ref())?
    };
}

/// The row of an event that is not plain: its constructor takes the event's fields.
macro_rules! row_of {
    ($Event:ident { $($field:ident),* $(,)? }) => { rows::$Event::from_fields($($field),*) };
    ($Event:ident ($field:ident)) => { rows::$Event::from_fields($field) };
}

/// An event without keys has nothing to visit.
macro_rules! no_keys {
    (none) => {
        ()
    };
}
