//! Templates: strings with `${name}` in them, split into parts. The values of the names are not known here.
//!
//! `$${` stands for a literal `${`, and `${$}` for a `$`, which otherwise could not stand before a
//! variable.

use std::fmt::Write as _;

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TemplatePart<'t> {
    /// A literal text.
    Literal(&'t str),
    /// `${name}`.
    Variable {
        /// The range, the sign and the braces included.
        at: std::ops::Range<usize>,
        /// The text between the braces.
        name: &'t str,
    },
    /// `${` has no closing `}`.
    Unclosed(std::ops::Range<usize>),
}

/// The parts of a template, in order.
pub(crate) fn parse_template(template: &str) -> Vec<TemplatePart<'_>> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(found) = template[at..].find('$') {
        let sign = at + found;
        let rest = &template[sign..];
        if rest.starts_with("$${") {
            parts.push(TemplatePart::Literal(&template[from..sign]));
            from = sign + 1;
            at = sign + 3;
        } else if rest.starts_with("${") {
            parts.push(TemplatePart::Literal(&template[from..sign]));
            let Some(close) = rest.find('}') else {
                parts.push(TemplatePart::Unclosed(sign..sign + 2));
                return parts;
            };
            let end = sign + close + 1;
            parts.push(match &template[sign + 2..end - 1] {
                "$" => TemplatePart::Literal("$"),
                name => TemplatePart::Variable { at: sign..end, name },
            });
            (from, at) = (end, end);
        } else {
            at = sign + 1;
        }
    }
    parts.push(TemplatePart::Literal(&template[from..]));
    parts
}

/// The names of the variables in a template, without those of the environment.
pub(crate) fn variable_names(template: &str) -> Vec<&str> {
    let wanted = |part| match part {
        TemplatePart::Variable { name, .. } if !name.starts_with("env:") => Some(name),
        _ => None,
    };
    parse_template(template).into_iter().filter_map(wanted).collect()
}

/// The name of the variable whose `${name}` is all of a template.
pub(crate) fn lone_variable_name(template: &str) -> Option<&str> {
    let name = template.strip_prefix("${")?.strip_suffix('}')?;
    (name != "$" && !name.contains('}')).then_some(name)
}

/// A template that gives this text.
pub(crate) fn escape(text: &str) -> String {
    let mut template = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        // Writing to a String cannot fail.
        let _ = write!(template, "{}$${{", &rest[..at]);
        rest = &rest[at + 2..];
    }
    template.push_str(rest);
    template
}

/// A template that gives this text, whatever variable follows it.
pub(crate) fn escape_before_variable(text: &str) -> String {
    let before = text.trim_end_matches('$');
    escape(before) + &"${$}".repeat(text.len() - before.len())
}

/// The text of a template without variables.
pub(crate) fn unescape(template: &str) -> String {
    let literal = |part| if let TemplatePart::Literal(text) = part { text } else { "" };
    parse_template(template).into_iter().map(literal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn an_escaped_text_gives_itself(text in r"[a$\{\}]{0,12}") {
            let template = escape(&text);
            let whole: Option<String> = parse_template(&template)
                .into_iter()
                .map(|part| if let TemplatePart::Literal(text) = part { Some(text) } else { None })
                .collect();
            proptest::prop_assert_eq!(whole, Some(text));
        }

        #[test]
        fn a_text_before_a_variable_does_too(text in r"[a$\{\}]{0,12}") {
            let template = escape_before_variable(&text) + "${x}";
            let mut parts = parse_template(&template);
            let last = parts.pop().into_iter().chain(parts.pop()).collect::<Vec<_>>();
            let is_last = matches!(last[..], [TemplatePart::Literal(""), TemplatePart::Variable { name: "x", .. }]);
            proptest::prop_assert!(is_last);
            let whole: Option<String> = parts
                .into_iter()
                .map(|part| if let TemplatePart::Literal(text) = part { Some(text) } else { None })
                .collect();
            proptest::prop_assert_eq!(whole, Some(text));
        }
    }
}
