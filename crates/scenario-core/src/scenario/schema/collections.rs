//! Lists, and tables whose keys are names.

use std::marker::PhantomData;
use std::rc::Rc;

use super::names::KeyRule;
use super::{Cx, Shape, Sp};
use crate::diagnostic::{Diagnostic, Place, quoted};
use crate::scenario::toml::{Node, Value};
use crate::scenario::write::json::{Json, object};

/// A list of at least `LEAST`. Wrong items have been told and are left out.
#[derive(Debug)]
pub(crate) struct List<T, const LEAST: usize>(pub(crate) Vec<Sp<T>>);

impl<T, const LEAST: usize> Default for List<T, LEAST> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<T: Shape, const LEAST: usize> Shape for List<T, LEAST> {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Self> {
        let at = node.at;
        let Value::Array(items) = node.value else {
            cx.wrong_type(&node, "a list", &format!("[{}]", T::EXAMPLE));
            return None;
        };
        if items.len() < LEAST {
            cx.error(at, "this list is empty; it has at least one item");
            return None;
        }
        let wanted = items.len();
        let mut list = Vec::with_capacity(wanted);
        for item in items {
            let place = cx.place(item.at);
            if let Some(value) = T::decode(cx, item) {
                list.push(Sp { value, place });
            }
        }
        (list.len() == wanted || LEAST == 0).then_some(List(list))
    }

    fn schema() -> Json {
        let schema = object([("type", "array".into())]);
        let schema = if LEAST > 0 { schema.with("minItems", LEAST as u64) } else { schema };
        schema.with("items", T::schema())
    }
}

/// A list of exactly two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<T>(pub(crate) [T; 2]);

impl<T: Shape> Shape for Pair<T> {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Self> {
        let at = node.at;
        let Value::Array(items) = node.value else {
            cx.wrong_type(&node, "a list of two", "[40, 20]");
            return None;
        };
        let count = items.len();
        let Ok(items) = <[Node; 2]>::try_from(items) else {
            cx.error(at, format!("this list has {count}; it has exactly two items"));
            return None;
        };
        let [first, second] = items.map(|item| T::decode(cx, item));
        Some(Pair([first?, second?]))
    }

    fn schema() -> Json {
        let list = object([("type", "array".into()), ("minItems", 2.into()), ("maxItems", 2.into())]);
        list.with("items", T::schema())
    }
}

/// One item of a table by names.
#[derive(Debug)]
pub(crate) struct NamedItem<T> {
    /// The key.
    pub(crate) name: String,
    /// Where the key stands.
    pub(crate) place: Place,
    /// Its value; `None` if it was wrong, which has been told.
    pub(crate) value: Option<Sp<T>>,
}

/// A table whose keys are names of the kind `K`, in the order of the file.
#[derive(Debug)]
pub(crate) struct Named<T, K> {
    /// The items; those with a wrong value are among them, so that their names are known.
    pub(crate) items: Vec<NamedItem<T>>,
    rule: PhantomData<K>,
}

impl<T, K> Default for Named<T, K> {
    fn default() -> Self {
        Named { items: Vec::new(), rule: PhantomData }
    }
}

impl<T: Shape, K: KeyRule> Shape for Named<T, K> {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Self> {
        let Value::Table(table) = node.value else {
            cx.wrong_type(&node, "a table of names", "{ name = … }");
            return None;
        };
        let source = Rc::clone(&cx.source);
        let mut named = Named::default();
        for item in cx.document.take(table) {
            let name = item.key.get(&source).to_owned();
            let place = cx.place(item.key_at);
            if let Some(fault) = K::fault(&name) {
                cx.found.add(
                    Diagnostic::error(place, fault).label(format!("{} cannot be a name here", quoted(&name))),
                );
            }
            let value = cx.slot(item.node).given();
            named.items.push(NamedItem { name, place, value });
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
