//! Builds the links and their changes: names exist, no link leads back to itself, and a change changes
//! something.

use super::timeline::TimelineNames;
use super::{DefinitionsByName, report_unknown_name};
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{RawLink, RawLinkAction};
use crate::scenario::model::{EntryAction, Link, LinkAction, LinkAddress, LinkFaults};
use crate::scenario::schema::collections::NamedTable;
use crate::scenario::schema::key_rules::JobNameRule;
use crate::scenario::schema::{KeySlot, Located};

/// Builds the links of one file, and adds them to the others.
pub(super) fn build_links(
    items: NamedTable<RawLink, JobNameRule>,
    all: &mut DefinitionsByName<Link>,
    found: &mut Diagnostics,
) {
    for item in items.items {
        let place = item.place;
        let build = |raw: Located<RawLink>| {
            let (listen, to) = (raw.value.listen.into_value()?, raw.value.to.into_value()?);
            Some(Link { name: item.name.clone(), listen, to, place })
        };
        let link = item.value.and_then(build);
        all.add("link", item.name.clone(), place, link, found);
    }
}

/// Reports links that listen on the same address, and those that lead back to themselves.
pub(super) fn check_links(links: &[Link], found: &mut Diagnostics) {
    for (index, link) in links.iter().enumerate() {
        if let Some(first) = links[..index].iter().find(|first| first.listen == link.listen) {
            let message =
                format!("the link {} listens where {} does", quoted(&link.name), quoted(&first.name));
            let fault = Diagnostic::error(link.place, message).with_related(first.place, "the other link");
            found.add(
                fault.with_help("give each link an address of its own, such as \"127.0.0.1:${port:NAME}\""),
            );
            continue;
        }
        if let Some(ring) = find_ring(links, index) {
            let names: Vec<String> = ring.iter().map(|link| quoted(&link.name)).collect();
            let message = match names.len() {
                1 => format!("the link {} leads to itself", names[0]),
                _ => format!("these links lead in a circle: {}", names.join(", ")),
            };
            let help = "`to` is the address of a program, `listen` one of the runner's own";
            found.add(Diagnostic::error(link.place, message).with_help(help));
        }
    }
}

/// The links that one passes through until it comes back to itself, if it is the first of them.
fn find_ring(links: &[Link], start: usize) -> Option<Vec<&Link>> {
    let mut ring = vec![&links[start]];
    loop {
        let last = ring.last()?;
        let next = links.iter().position(|link| is_same_place(&link.listen, &last.to))?;
        match next {
            next if next == start => return Some(ring),
            next if next < start || ring.iter().any(|link| link.name == links[next].name) => return None,
            next => ring.push(&links[next]),
        }
    }
}

/// Whether a connection to one address reaches who listens on the other one, as far as the texts show it.
fn is_same_place(listen: &LinkAddress, to: &LinkAddress) -> bool {
    match (listen, to) {
        (LinkAddress::Tcp(listen, port), LinkAddress::Tcp(to, other)) => {
            port == other && (listen == to || is_own_machine(listen) && is_own_machine(to))
        }
        (listen, to) => listen == to,
    }
}

fn is_own_machine(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]" | "0.0.0.0" | "[::]")
}

impl TimelineNames<'_> {
    pub(super) fn build_link_action(
        &self,
        raw: Located<RawLinkAction>,
        found: &mut Diagnostics,
    ) -> Option<EntryAction> {
        let Located { value: raw, place } = raw;
        let name = raw.name.into_given()?;
        let name = Located { value: name.value.0, place: name.place };
        let link = self.link_indices.get(name.value.as_str()).copied();
        if link.is_none() {
            self.report_unknown_link(&name, found);
        }
        let is_broken = [
            matches!(raw.latency, KeySlot::Invalid),
            matches!(raw.bandwidth, KeySlot::Invalid),
            matches!(raw.cut, KeySlot::Invalid),
            matches!(raw.limit, KeySlot::Invalid),
            matches!(raw.slice, KeySlot::Invalid),
            matches!(raw.duration, KeySlot::Invalid),
        ];
        let faults = LinkFaults {
            latency: raw.latency.into_value(),
            bandwidth: raw.bandwidth.into_value().map(|bandwidth| bandwidth.0),
            cut: raw.cut.into_value(),
            refuse: raw.refuse.or_default(),
            limit: raw.limit.into_value().map(|limit| limit.0),
            slice: raw.slice.into_value().map(|slice| slice.0),
        };
        let duration = raw.duration.into_given();
        let place_of_duration = duration.as_ref().map(|given| given.place);
        let action = LinkAction {
            link: link?,
            faults,
            reset: raw.reset.or_default(),
            heal: raw.heal.or_default(),
            duration: duration.map(|duration| duration.value.0),
        };
        if is_broken.contains(&true) {
            return None;
        }
        check_change(&action, place, place_of_duration, found)?;
        Some(EntryAction::Link(action))
    }

    fn report_unknown_link(&self, name: &Located<String>, found: &mut Diagnostics) {
        if self.links.names().next().is_none() {
            let message = format!("there is no link {}", quoted(&name.value));
            let help = format!(
                "add a link:\n\n[links.{}]\nlisten = \"127.0.0.1:${{port:link}}\"\nto = \"127.0.0.1:5432\"",
                if scenario_log::name::name_error(&name.value).is_none() { &*name.value } else { "NAME" }
            );
            return found.add(Diagnostic::error(name.place, message).with_help(help));
        }
        report_unknown_name(found, "link", "links", name, self.links.names());
    }
}

/// Reports a change that changes nothing.
fn check_change(
    action: &LinkAction,
    place: FilePlace,
    duration: Option<FilePlace>,
    found: &mut Diagnostics,
) -> Option<()> {
    if action.faults.is_none() && !action.reset && !action.heal {
        let help = "for example cut = \"both\", latency = \"80ms..200ms\" or heal = true";
        found.add(Diagnostic::error(place, "this entry changes nothing of the link").with_help(help));
        return None;
    }
    if let Some(duration) = duration.filter(|_| action.faults.is_none()) {
        let message = "a reset has no end, so `for` says nothing";
        let help = "add a fault that holds, such as refuse = true, or remove `for`";
        found.add(Diagnostic::error(duration, message).with_help(help));
        return None;
    }
    Some(())
}
