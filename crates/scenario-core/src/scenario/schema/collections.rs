//! Lists, and tables whose keys are names.

use std::marker::PhantomData;
use std::rc::Rc;

use super::key_rules::KeyRule;
use super::{DecodeContext, Located, TomlSchema, own_words};
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};

/// A list of at least `LEAST` items. Wrong items have been reported, and are left out.
#[derive(Clone, Debug)]
pub(crate) struct ListOf<T, const LEAST: usize>(pub(crate) Vec<Located<T>>);

impl<T, const LEAST: usize> Default for ListOf<T, LEAST> {
    fn default() -> Self {
        ListOf(Vec::new())
    }
}

impl<T: TomlSchema, const LEAST: usize> TomlSchema for ListOf<T, LEAST> {
    #[cfg(test)]
    fn decode_defaults() {
        T::decode_defaults();
    }

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self> {
        let at = node.at;
        let TomlValue::Array(items) = node.value else {
            match own_words::as_list(&node, &cx.source, T::list_of_text) {
                Some(list) => cx.report_wrong_type_with_help(&node, "a list", format!("write {list}")),
                None => cx.report_wrong_type(&node, "a list", &format!("[{}]", T::EXAMPLE)),
            }
            return None;
        };
        if items.len() < LEAST {
            cx.error(at, "this list is empty; it must have at least one item");
            return None;
        }
        let wanted = items.len();
        let mut list = Vec::with_capacity(wanted);
        for item in items {
            let place = cx.place(item.at);
            if let Some(value) = cx.decode_scoped(item) {
                list.push(Located { value, place });
            }
        }
        (list.len() == wanted || LEAST == 0).then_some(ListOf(list))
    }

    fn schema() -> Json {
        let schema = object([("type", "array".into())]);
        let schema = if LEAST > 0 { schema.with("minItems", LEAST as u64) } else { schema };
        let schema = schema.with("items", T::schema());
        match T::list_example() {
            Some(example) => schema.with("examples", Json::List(vec![example])),
            None => schema,
        }
    }
}

/// One item, or a list of at least one.
#[derive(Clone, Debug)]
pub(crate) struct OneOrList<T>(pub(crate) Vec<Located<T>>);

impl<T> Default for OneOrList<T> {
    fn default() -> Self {
        OneOrList(Vec::new())
    }
}

impl<T: TomlSchema> TomlSchema for OneOrList<T> {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self> {
        if let TomlValue::Array(_) = node.value {
            return ListOf::<T, 1>::decode(cx, node).map(|list| OneOrList(list.0));
        }
        let place = cx.place(node.at);
        T::decode(cx, node).map(|value| OneOrList(vec![Located { value, place }]))
    }

    fn schema() -> Json {
        object([("anyOf", Json::List(vec![T::schema(), ListOf::<T, 1>::schema()]))])
    }
}

/// A list of exactly two items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairOf<T>(pub(crate) [T; 2]);

impl<T: TomlSchema> TomlSchema for PairOf<T> {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self> {
        let at = node.at;
        let TomlValue::Array(items) = node.value else {
            cx.report_wrong_type(&node, "a list of two", "[40, 20]");
            return None;
        };
        let count = items.len();
        let Ok(items) = <[TomlNode; 2]>::try_from(items) else {
            cx.error(at, format!("this list has {count} items; it must have exactly two"));
            return None;
        };
        let [first, second] = items.map(|item| T::decode(cx, item));
        Some(PairOf([first?, second?]))
    }

    fn schema() -> Json {
        let list = object([("type", "array".into()), ("minItems", 2.into()), ("maxItems", 2.into())]);
        list.with("items", T::schema())
    }
}

/// One item of a table whose keys are names.
#[derive(Debug)]
pub(crate) struct NamedEntry<T> {
    pub(crate) name: String,
    /// The place of the key.
    pub(crate) place: FilePlace,
    /// The value; `None` if it is wrong, which has been reported.
    pub(crate) value: Option<Located<T>>,
}

/// A table whose keys are names of the kind `K`, in the order of the file.
#[derive(Debug)]
pub(crate) struct NamedTable<T, K> {
    /// All items, also those with a wrong value, so that their names are known.
    pub(crate) items: Vec<NamedEntry<T>>,
    rule: PhantomData<K>,
}

impl<T, K> Default for NamedTable<T, K> {
    fn default() -> Self {
        NamedTable { items: Vec::new(), rule: PhantomData }
    }
}

impl<T: TomlSchema, K: KeyRule> TomlSchema for NamedTable<T, K> {
    #[cfg(test)]
    fn decode_defaults() {
        T::decode_defaults();
    }

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self> {
        let TomlValue::Table(table) = node.value else {
            match own_words::assignments_as_table(&node, &cx.source) {
                Some(table) => {
                    cx.report_wrong_type_with_help(&node, "a table of names", format!("write {table}"));
                }
                None => cx.report_wrong_type(&node, "a table of names", "{ name = … }"),
            }
            return None;
        };
        let mut named = NamedTable::default();
        for item in cx.document.take_items(table) {
            let outer = cx.enter_file(item.from_file);
            let source = Rc::clone(&cx.source);
            let name = item.key.as_str(&source).to_owned();
            let place = cx.place(item.key_at);
            if let Some(fault) = K::key_error(&name) {
                cx.diagnostics.add(
                    Diagnostic::error(place, fault)
                        .with_label(format!("{} cannot be a name here", quoted(&name))),
                );
            }
            let value = cx.decode_slot(item.node).into_given();
            named.items.push(NamedEntry { name, place, value });
            cx.leave_file(outer);
        }
        Some(named)
    }

    fn schema() -> Json {
        object([
            ("type", "object".into()),
            ("propertyNames", object([("pattern", K::PATTERN.into())])),
            ("additionalProperties", T::schema()),
        ])
    }
}
