//! `[matrix]`: lists of values of the seed and of variables. A run of each combination is a run with these
//! values on its command line.

use super::diagnostics::Diagnostics;
use super::schema::collections::{ListOf, NamedTable};
use super::schema::key_rules::VarNameRule;
use super::schema::spawn::ScalarValue;
use super::schema::{KeySlot, Located};
use super::vars::Vars;
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::model::VarValue;

/// The most combinations of a matrix.
const MAX_COMBINATIONS: usize = 1_000;

/// The name of the axis that is not a variable.
const SEED: &str = "seed";

/// One name of a matrix, with its values as the command line takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixAxis {
    /// `seed`, or the name of a variable.
    pub name: String,
    /// The values in the order of the file; at least one.
    pub values: Vec<String>,
}

/// The table of a file.
pub(crate) type RawMatrix = NamedTable<ListOf<ScalarValue, 1>, VarNameRule>;

/// All combinations of the values, as names and values. The last name changes fastest.
#[must_use]
pub fn combinations(axes: &[MatrixAxis]) -> Vec<Vec<(String, String)>> {
    let mut all = vec![Vec::new()];
    for axis in axes {
        let longer = |start: Vec<(String, String)>| {
            axis.values.iter().map(move |value| {
                let mut longer = start.clone();
                longer.push((axis.name.clone(), value.clone()));
                longer
            })
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    if axes.is_empty() { Vec::new() } else { all }
}

/// Checks the names and the values of a matrix. It has no axes after an error.
pub(super) fn build_matrix(
    raw: KeySlot<RawMatrix>,
    vars: &Vars<'_>,
    found: &mut Diagnostics,
) -> Vec<MatrixAxis> {
    let Some(raw) = raw.into_given() else { return Vec::new() };
    let mut axes = Vec::new();
    let mut count = 1_usize;
    for item in raw.value.items {
        let Some(list) = item.value else { continue };
        count = count.saturating_mul(list.value.0.len());
        if item.name != SEED && !vars.is_declared(&item.name) {
            let message = format!("there is no variable {} for this list", quoted(&item.name));
            let fault = Diagnostic::error(item.place, message);
            let known = vars.declared_names().chain([SEED]);
            let fault = match found.closest_name(&item.name, known) {
                Some(near) => fault.with_help(format!("did you mean {}?", quoted(near))),
                None => fault,
            };
            found.add(
                fault.with_help("the keys are `seed` and variables; declare it in [vars] with its default"),
            );
            continue;
        }
        let is_seed = item.name == SEED;
        let values: Vec<Option<String>> =
            list.value.0.iter().map(|value| axis_value(value, is_seed, found)).collect();
        report_twice(&list.value.0, &values, found);
        let values = values.into_iter().collect::<Option<Vec<String>>>().unwrap_or_default();
        if !values.is_empty() {
            axes.push(MatrixAxis { name: item.name, values });
        }
    }
    if count > MAX_COMBINATIONS {
        let message = format!("a matrix has at most {MAX_COMBINATIONS} combinations; this one has {count}");
        found.add(Diagnostic::error(raw.place, message));
        axes.clear();
    }
    axes
}

/// A value as the command line takes it.
fn axis_value(value: &Located<ScalarValue>, is_seed: bool, found: &mut Diagnostics) -> Option<String> {
    let fault = match &value.value.0 {
        VarValue::Integer(number) if is_seed && *number < 0 => Some("a seed is not less than 0"),
        VarValue::Integer(_) => None,
        _ if is_seed => Some("a seed is an integer"),
        VarValue::Text(text) if text.is_secret() => {
            Some("a value from the environment must not be a part of a matrix, which names logs")
        }
        VarValue::Text(_) | VarValue::Boolean(_) => None,
    };
    if let Some(fault) = fault {
        found.add(Diagnostic::error(value.place, fault));
        return None;
    }
    Some(match &value.value.0 {
        VarValue::Integer(number) => number.to_string(),
        VarValue::Boolean(value) => value.to_string(),
        VarValue::Text(text) => text.reveal().to_owned(),
    })
}

/// Reports a value that stands twice in a list: two runs would be the same.
fn report_twice(list: &[Located<ScalarValue>], values: &[Option<String>], found: &mut Diagnostics) {
    for (index, value) in values.iter().enumerate().filter(|(_, value)| value.is_some()) {
        if let Some(first) = values[..index].iter().position(|other| other == value) {
            let fault = Diagnostic::error(list[index].place, "this value stands twice in its list");
            found.add(fault.with_related(list[first].place, "the first time"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_combinations_come_in_written_order() {
        let axis = |name: &str, values: &[&str]| MatrixAxis {
            name: name.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let all = combinations(&[axis("a", &["1", "2"]), axis("b", &["x", "y"])]);
        let words: Vec<String> = all.iter().map(|one| format!("{}{}", one[0].1, one[1].1)).collect();
        assert_eq!(words, ["1x", "1y", "2x", "2y"]);
        assert!(combinations(&[]).is_empty());
    }
}
