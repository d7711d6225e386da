//! Tables with known keys. [`table!`] makes a struct, its decoding, its schema, its defaults and its
//! writing out of one list.

use super::decode_context::decode_snippet;
use super::encode::TomlEncode;
use super::lone_variable::lone_variable_schema;
use super::{DecodeContext, TomlSchema, own_words};
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::toml::{ByteRange, TomlKeyValue, TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};
use crate::scenario::write::toml_writer::{to_inline_toml, write_key_value};

/// A rule about the keys of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TableRule {
    /// The key must be there; the second text is an example of its line.
    Required(&'static str, &'static str),
    /// The key must be there unless the last one is; the second text is an example of its line.
    RequiredUnless(&'static str, &'static str, &'static str),
    /// Exactly one of these keys must be there.
    ExactlyOne(&'static [&'static str]),
    /// At least one of these keys must be there.
    AnyOf(&'static [&'static str]),
    /// Exactly one of these keys must be there; none is needed if the other key is true.
    OneUnlessTrue(&'static [&'static str], &'static str),
    /// The first key needs the second.
    Needs(&'static str, &'static str),
    /// The key needs at least one of these.
    NeedsAny(&'static str, &'static [&'static str]),
    /// The two keys exclude each other.
    Excludes(&'static str, &'static str),
    /// With this key the table takes the keys of another one, so that it may lack some.
    Inherits(&'static str),
}

/// The keys that are present in a table, with their places.
pub(crate) type PresentKeys = Vec<(&'static str, FilePlace)>;

/// Takes the items of a table; reports any other value.
pub(crate) fn take_table_items(
    cx: &mut DecodeContext<'_>,
    node: &TomlNode,
    what: &str,
    keys: &[&str],
) -> Option<Vec<TomlKeyValue>> {
    match node.value {
        TomlValue::Table(table) => Some(cx.document.take_items(table)),
        _ => {
            let example = match keys {
                [] => "[name]".to_owned(),
                keys => format!("{{ {} = … }}; the keys are {}", keys[0], join_with_commas(keys)),
            };
            let own = match &node.value {
                TomlValue::String(text) => own_words::as_table(keys, text.as_str(&cx.source)),
                _ => None,
            };
            let wanted = format!("a table ({what})");
            match own {
                Some(table) => cx.report_wrong_type_with_help(node, &wanted, format!("write {table}")),
                None => cx.report_wrong_type(node, &wanted, &example),
            }
            None
        }
    }
}

/// Checks the rules of a table whose keys have been decoded. A missing key is not reported if the table has
/// an unknown key, which may be a misspelling of it.
pub(crate) fn check_rules(
    cx: &mut DecodeContext<'_>,
    at: ByteRange,
    what: &str,
    rules: &[TableRule],
    seen: &PresentKeys,
    unknown: bool,
) {
    if cx.has_syntax_errors {
        return;
    }
    let place_of = |key: &str| seen.iter().find(|(name, _)| *name == key).map(|(_, place)| *place);
    let header = cx.place(at);
    // The other table is not known because of an error.
    let inherits =
        rules.iter().any(|rule| matches!(rule, TableRule::Inherits(key) if place_of(key).is_some()));
    for rule in rules.iter().filter(|rule| !inherits || matches!(rule, TableRule::Excludes(..))) {
        let fault = match rule {
            TableRule::Required(key, line) if place_of(key).is_none() && !unknown => Some(
                Diagnostic::error(header, format!("{what} lacks {}", quoted(key)))
                    .with_help(format!("add {line}")),
            ),
            TableRule::RequiredUnless(key, line, other)
                if place_of(key).is_none() && place_of(other).is_none() && !unknown =>
            {
                Some(
                    Diagnostic::error(header, format!("{what} lacks {}", quoted(key)))
                        .with_help(format!("add {line}")),
                )
            }
            TableRule::ExactlyOne(keys) => check_exactly_one(header, what, keys, seen, unknown),
            TableRule::AnyOf(keys) if !unknown && keys.iter().all(|key| place_of(key).is_none()) => Some(
                Diagnostic::error(header, format!("{what} lacks one of {}", join_with_commas(keys)))
                    .with_help(format!("add {}", join_with_or(keys))),
            ),
            // The value of the other key is not known here; `check` looks at it.
            TableRule::OneUnlessTrue(keys, other) => {
                let none = unknown || place_of(other).is_some();
                check_exactly_one(header, what, keys, seen, none)
            }
            TableRule::Needs(key, other) => match (place_of(key), place_of(other)) {
                (Some(place), None) if !unknown && !is_open_choice(rules, other, seen) => Some(
                    Diagnostic::error(
                        place,
                        format!("{} can be used only together with {}", quoted(key), quoted(other)),
                    )
                    .with_related(header, format!("there is no {} here", quoted(other))),
                ),
                _ => None,
            },
            TableRule::NeedsAny(key, others) => match place_of(key) {
                Some(place)
                    if !unknown
                        && others.iter().all(|other| place_of(other).is_none())
                        && !others.iter().any(|other| is_open_choice(rules, other, seen)) =>
                {
                    Some(
                        Diagnostic::error(place, format!("{} needs {}", quoted(key), join_with_or(others)))
                            .with_help(format!("add {}", join_with_or(others))),
                    )
                }
                _ => None,
            },
            TableRule::Excludes(key, other) => match (place_of(key), place_of(other)) {
                (Some(place), Some(other_at)) => Some(
                    Diagnostic::error(
                        place,
                        format!("{} cannot be used together with {}", quoted(key), quoted(other)),
                    )
                    .with_related(other_at, format!("{} is here", quoted(other))),
                ),
                _ => None,
            },
            TableRule::Required(..)
            | TableRule::RequiredUnless(..)
            | TableRule::AnyOf(_)
            | TableRule::Inherits(_) => None,
        };
        if let Some(fault) = fault {
            cx.diagnostics.add(fault);
        }
    }
}

/// Whether the key belongs to a choice that the table has not made, which is reported by its own rule.
fn is_open_choice(rules: &[TableRule], key: &str, seen: &PresentKeys) -> bool {
    rules.iter().any(|rule| match rule {
        TableRule::ExactlyOne(keys) | TableRule::AnyOf(keys) => {
            keys.contains(&key) && !seen.iter().any(|(name, _)| keys.contains(name))
        }
        _ => false,
    })
}

fn check_exactly_one(
    header: FilePlace,
    what: &str,
    keys: &[&str],
    seen: &PresentKeys,
    unknown: bool,
) -> Option<Diagnostic> {
    let mut present: Vec<(&str, FilePlace)> =
        seen.iter().filter(|(key, _)| keys.contains(key)).copied().collect();
    present.sort_by_key(|(_, place)| *place);
    match present[..] {
        [] if unknown => None,
        [] => Some(
            Diagnostic::error(header, format!("{what} lacks one of {}", join_with_commas(keys)))
                .with_help(format!("it has exactly one of {}", join_with_commas(keys))),
        ),
        [_] => None,
        [(first, first_at), (second, second_at), ..] => Some(
            Diagnostic::error(
                second_at,
                format!("{} and {} exclude each other", quoted(first), quoted(second)),
            )
            .with_related(first_at, format!("{} is here", quoted(first)))
            .with_help(format!("{what} has exactly one of {}", join_with_commas(keys))),
        ),
    }
}

fn join_with_commas(keys: &[&str]) -> String {
    keys.iter().map(|key| quoted(key)).collect::<Vec<_>>().join(", ")
}

fn join_with_or(keys: &[&str]) -> String {
    keys.iter().map(|key| quoted(key)).collect::<Vec<_>>().join(" or ")
}

/// The schema of a table: its keys with their schemas, and its rules.
pub(crate) fn table_schema(description: &str, keys: Vec<(String, Json)>, rules: &[TableRule]) -> Json {
    let schema = object([
        ("type", "object".into()),
        ("description", description.into()),
        ("additionalProperties", false.into()),
        ("properties", Json::Object(keys)),
    ]);
    let inherits =
        rules.iter().find_map(|rule| if let TableRule::Inherits(key) = rule { Some(*key) } else { None });
    let Some(key) = inherits else { return with_rules(schema, rules) };
    let is_complete = |rule: &&TableRule| !matches!(rule, TableRule::Excludes(..) | TableRule::Inherits(_));
    let (completing, others): (Vec<TableRule>, Vec<TableRule>) = rules.iter().partition(is_complete);
    let complete = with_rules(Json::Object(Vec::new()), &completing);
    let either = object([("anyOf", Json::List(vec![requires_schema(key), complete]))]);
    let pairs = completing.iter().filter_map(|rule| match rule {
        TableRule::ExactlyOne([one, other]) => Some(TableRule::Excludes(one, other)),
        _ => None,
    });
    let others: Vec<TableRule> = others.into_iter().chain(pairs).collect();
    match with_rules(schema, &others) {
        Json::Object(mut keys) => {
            match keys.iter_mut().find(|(key, _)| key == "allOf") {
                Some((_, Json::List(all))) => all.push(either),
                _ => keys.push(("allOf".to_owned(), Json::List(vec![either]))),
            }
            Json::Object(keys)
        }
        other => other,
    }
}

/// A schema with the rules of a table.
fn with_rules(mut schema: Json, rules: &[TableRule]) -> Json {
    let required: Vec<&str> = rules
        .iter()
        .filter_map(|rule| if let TableRule::Required(key, _) = rule { Some(*key) } else { None })
        .collect();
    if !required.is_empty() {
        schema = schema.with("required", required.into_iter().collect::<Json>());
    }
    let mut dependent = Vec::new();
    let mut all = Vec::new();
    for rule in rules {
        match rule {
            TableRule::Required(..) | TableRule::Inherits(_) => {}
            TableRule::RequiredUnless(key, _, other) => {
                all.push(object([(
                    "anyOf",
                    [*key, *other].iter().map(|key| requires_schema(key)).collect(),
                )]));
            }
            TableRule::AnyOf(keys) => {
                all.push(object([("anyOf", keys.iter().map(|key| requires_schema(key)).collect())]))
            }
            TableRule::ExactlyOne(keys) => {
                all.push(object([("oneOf", keys.iter().map(|key| requires_schema(key)).collect())]))
            }
            TableRule::OneUnlessTrue(keys, other) => {
                let none = object([("anyOf", keys.iter().map(|key| requires_schema(key)).collect())]);
                // A variable may be true as well.
                let is_true = object([(
                    "anyOf",
                    Json::List(vec![object([("const", true.into())]), lone_variable_schema()]),
                )]);
                let is_true = object([(*other, is_true)]);
                let alone = requires_schema(other).with("properties", is_true).with("not", none);
                let one = keys.iter().map(|key| requires_schema(key)).chain([alone]);
                all.push(object([("oneOf", Json::List(one.collect()))]));
            }
            TableRule::Needs(key, other) => {
                dependent.push(((*key).to_owned(), [*other].into_iter().collect()))
            }
            TableRule::Excludes(key, other) => {
                all.push(object([("not", object([("required", [*key, *other].into_iter().collect())]))]));
            }
            TableRule::NeedsAny(key, others) => all.push(object([
                ("if", requires_schema(key)),
                ("then", object([("anyOf", others.iter().map(|other| requires_schema(other)).collect())])),
            ])),
        }
    }
    if !dependent.is_empty() {
        schema = schema.with("dependentRequired", Json::Object(dependent));
    }
    if !all.is_empty() {
        schema = schema.with("allOf", Json::List(all));
    }
    schema
}

fn requires_schema(key: &str) -> Json {
    object([("required", [key].into_iter().collect())])
}

/// The schema of a key: of its value, with the documentation and the default of its row.
pub(crate) fn with_docs(schema: Json, docs: &[&str], default: Option<Json>) -> Json {
    let mut docs = docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    if let Some(default) = &default {
        docs.push_str(&format!(" Default: `{}`.", to_inline_toml(default)));
    }
    let mut items = vec![("description".to_owned(), Json::Text(docs))];
    if let Some(default) = default {
        items.push(("default".to_owned(), default));
    }
    if let Json::Object(rest) = schema {
        items.extend(rest.into_iter().filter(|(key, _)| key != "description"));
    }
    Json::Object(items)
}

/// Whether a key whose value is its default is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteMode {
    /// It is written all the same.
    Always,
    /// It is left out. Every key that is newer than the first logs is written so: the resolved scenario
    /// of a file that does not use the key then stays what it was.
    UnlessDefault,
}

/// Adds a key to the keys that are written.
pub(crate) fn put_key(
    keys: &mut Vec<(String, Json)>,
    key: &str,
    value: Option<Json>,
    default: impl FnOnce() -> Option<Json>,
    mode: WriteMode,
) {
    let is_left_out = mode == WriteMode::UnlessDefault && value == default();
    if let Some(value) = value.filter(|_| !is_left_out) {
        keys.push((key.to_owned(), value));
    }
}

/// Calls the closure of a row. The bound gives the closure the type of its parameter.
pub(crate) fn encode_key<'a, T, R: TomlEncode>(item: &'a T, value: impl FnOnce(&'a T) -> R) -> Option<Json> {
    value(item).encode()
}

/// The value of a row's default, read as a file's would be.
///
/// # Panics
///
/// If the literal is not a value of the key's type: the row is wrong, and no file could be read.
pub(crate) fn decode_default<T: TomlSchema>(default: Json) -> T {
    let mut source = String::new();
    write_key_value(&mut source, "default", &default);
    match decode_snippet("default", source.into()) {
        Ok(value) => value,
        Err(error) => panic!("the default {} of a key cannot be read: {error:?}", default.to_line()),
    }
}

/// The type of a row's field: a row with a default has a slot that falls back to it.
macro_rules! slot_type {
    ($ty:ty) => { $crate::scenario::schema::KeySlot<$ty> };
    ($ty:ty = $default:expr) => { $crate::scenario::schema::DefaultedSlot<$ty> };
}
pub(crate) use slot_type;

/// The slot of a key that is not there. Its default is decoded once in the life of the program.
macro_rules! absent_slot {
    ($ty:ty) => {
        $crate::scenario::schema::KeySlot::Absent
    };
    ($ty:ty = $default:expr) => {
        $crate::scenario::schema::DefaultedSlot::absent(|| {
            static DEFAULT: std::sync::OnceLock<$ty> = std::sync::OnceLock::new();
            let decode = || $crate::scenario::schema::table::decode_default($default.into());
            DEFAULT.get_or_init(decode).clone()
        })
    };
}
pub(crate) use absent_slot;

/// Writes the key of one row; without a `=>` it is never written.
macro_rules! write_row {
    ($keys:ident, $item:ident, $key:literal, [$($default:expr)?],) => {};
    ($keys:ident, $item:ident, $key:literal, [$($default:expr)?], $value:expr) => {
        $crate::scenario::schema::table::write_row!($keys, $item, $key, [$($default)?], $value; Always)
    };
    ($keys:ident, $item:ident, $key:literal, [$($default:expr)?], $value:expr; $mode:ident) => {
        $crate::scenario::schema::table::put_key(
            &mut $keys,
            $key,
            $crate::scenario::schema::table::encode_key($item, $value),
            || $crate::scenario::schema::table::default_value([
                $($crate::scenario::write::json::Json::from($default))?
            ]),
            $crate::scenario::schema::table::WriteMode::$mode,
        )
    };
}
pub(crate) use write_row;

/// A table with known keys: a struct with one slot for each key, and its
/// [`TomlSchema`](super::TomlSchema). A row is one key, in all that it means:
///
/// ```text
/// /// The documentation of the key, which is its description in the schema.
/// "key" field: Type = default => |item| item.value; UnlessDefault,
/// ```
///
/// The default is written as JSON. The schema has it, and an absent key is decoded from it. The closure
/// gives the value of the key in the checked model, for `write`; it takes the type after `from`. With
/// [`UnlessDefault`](WriteMode::UnlessDefault) the key is written only if it differs from the default.
macro_rules! table {
    (@write $name:ident $from:ty {
        $($(#[doc = $key_doc:literal])+ $key:literal $field:ident: $ty:ty $(= $default:expr)?
            $(=> $value:expr $(; $mode:ident)?)?,)+
    }) => {
        impl $name {
            /// The table as a file has it, its keys in the order of the rows.
            pub(crate) fn write(item: &$from) -> $crate::scenario::write::json::Json {
                let mut keys = Vec::new();
                $($crate::scenario::schema::table::write_row!(
                    keys, item, $key, [$($default)?], $($value $(; $mode)?)?
                );)+
                $crate::scenario::write::json::Json::Object(keys)
            }
        }
    };
    (
        $(#[doc = $doc:literal])+
        $name:ident is $what:literal from ($from:ty) $(like $example:literal)? with [$($rules:tt)*] {
            $($rows:tt)+
        }
    ) => {
        $crate::scenario::schema::table::table! {
            $(#[doc = $doc])+
            $name is $what $(like $example)? with [$($rules)*] { $($rows)+ }
        }
        $crate::scenario::schema::table::table! { @write $name $from { $($rows)+ } }
    };
    (
        $(#[doc = $doc:literal])+
        $name:ident is $what:literal $(like $example:literal)? with [$($rule:expr),* $(,)?] {
            $($(#[doc = $key_doc:literal])+ $key:literal $field:ident: $ty:ty $(= $default:expr)?
                $(=> $value:expr $(; $mode:ident)?)?,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(crate) struct $name {
            $($(#[doc = $key_doc])+
            pub(crate) $field: $crate::scenario::schema::table::slot_type!($ty $(= $default)?),)+
        }

        impl Default for $name {
            fn default() -> $name {
                $name { $($field: $crate::scenario::schema::table::absent_slot!($ty $(= $default)?),)+ }
            }
        }

        impl $name {
            pub(crate) const KEYS: &'static [&'static str] = &[$($key),+];
            const RULES: &'static [$crate::scenario::schema::table::TableRule] = &[$($rule),*];
        }

        impl $crate::scenario::schema::TomlSchema for $name {
            $(const EXAMPLE: &'static str = $example;)?

            fn decode(
                cx: &mut $crate::scenario::schema::DecodeContext<'_>,
                node: $crate::scenario::toml::TomlNode,
            ) -> Option<Self> {
                use $crate::scenario::schema::table;
                let items = table::take_table_items(cx, &node, $what, Self::KEYS)?;
                let mut read = $name::default();
                let mut seen = table::PresentKeys::with_capacity(items.len());
                let mut unknown = false;
                for item in items {
                    let outer = cx.enter_file(item.from_file);
                    let source = std::rc::Rc::clone(&cx.source);
                    match item.key.as_str(&source) {
                        $($key => {
                            seen.push(($key, cx.place(item.key_at)));
                            read.$field.set(cx.decode_slot(item.node));
                        })+
                        _ => {
                            unknown = true;
                            cx.report_unknown_key(&item, $what, Self::KEYS);
                        }
                    }
                    cx.leave_file(outer);
                }
                table::check_rules(cx, node.at, $what, Self::RULES, &seen, unknown);
                Some(read)
            }

            fn schema() -> $crate::scenario::write::json::Json {
                use $crate::scenario::schema::table;
                let keys = vec![$((
                    $key.to_owned(),
                    table::with_docs(
                        <$ty as $crate::scenario::schema::TomlSchema>::schema(),
                        &[$($key_doc),+],
                        table::default_value([$($crate::scenario::write::json::Json::from($default))?]),
                    ),
                )),+];
                let schema = table::table_schema(concat!($($doc),+).trim(), keys, Self::RULES);
                $crate::scenario::schema::table_example::with_table_example(schema, Self::EXAMPLE)
            }

            #[cfg(test)]
            fn decode_defaults() {
                let table = $name::default();
                $(table.$field.decode_default();)+
            }
        }
    };
}
pub(crate) use table;

/// The default of a row, which the macro passes as a list of at most one.
pub(crate) fn default_value<const N: usize>(default: [Json; N]) -> Option<Json> {
    default.into_iter().next()
}
