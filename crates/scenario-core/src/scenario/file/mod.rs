//! The tables of a scenario file, one [`table!`] each. A row is a key in all that it means: its type,
//! its default, its description in the schema, and how the checked model's value is written again.
//! Names are not looked up here.

mod data;
mod expect;
mod fetches;
mod links;
mod presets;
mod probes;
mod timeline;
pub(crate) mod until;

pub(crate) use data::{RawDataTable, RawRow, RawRowsRead};
pub(crate) use expect::{RawAlways, RawExpectation, RawFollows, RawLeadsTo};
pub(crate) use fetches::RawFetchJob;
pub(crate) use links::{RawLink, RawLinkAction};
pub(crate) use presets::{RawLimits, RawPlayerGroup, RawPreset, RawStop};
pub(crate) use probes::{RawAlive, RawReady};
pub(crate) use timeline::{RawSend, RawSignal, RawTimelineEntry};

use crate::scenario::matrix::RawMatrix;
use crate::scenario::model::steps::{Channel, ChannelOrder};
use crate::scenario::model::{Scenario, WorldEdges, WorldRules};
use crate::scenario::schema::after::RawVar;
use crate::scenario::schema::collections::{ListOf, NamedTable, OneOrList, PairOf};
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::encode::{encode_named, unless_empty};
use crate::scenario::schema::key_rules::{JobNameRule, VarNameRule};
use crate::scenario::schema::numbers::BoundedInt;
use crate::scenario::schema::strings::{EnvName, IncludePath, PublicString, ScenarioPath};
use crate::scenario::schema::table::{TableRule, table};
use crate::scenario::write::json::Json;
use timeline::EntryOfScenario;

/// An integer that fits 32 bits.
pub(crate) type BoundedU32<const LEAST: i64> = BoundedInt<LEAST, { u32::MAX as i64 }>;

/// The shared cells by name, with the value that each holds at first.
pub(crate) type RawSharedCells = NamedTable<BoundedInt<{ i64::MIN }, { i64::MAX }>, VarNameRule>;

/// The largest `count` of an entry.
pub(crate) const MAX_ENTRY_COUNT: i64 = 1_000_000;

/// The largest `times` of an entry.
pub(crate) const MAX_ENTRY_REPEATS: i64 = 1_000_000_000;

/// The largest number of requests of a load.
pub(crate) const MAX_LOAD_REQUESTS: i64 = 1_000_000_000;

/// The largest number of connections of a load.
pub(crate) const MAX_LOAD_CONNECTIONS: i64 = 50_000;

/// The largest width and height of a world.
pub(crate) const MAX_WORLD_SIDE: i64 = 10_000;

/// The most messages of a channel.
const MAX_CHANNEL_CAPACITY: i64 = 1_000_000;

/// The largest number of players in a preset.
pub(crate) const MAX_PLAYERS_IN_PRESET: i64 = 100_000_000;

table! {
    /// A scenario: players, programs and HTTP fetches on one timeline.
    RawScenario is "a scenario" from (Scenario) with [] {
        /// The name of the scenario, for people and reports. Default: the file's name without its extension.
        "name" name: PublicString => |one| &one.name,
        /// A description of the scenario, for people and reports.
        "description" description: PublicString => |one| one.description.as_deref(),
        /// The seed that every random draw of the run comes from; `--seed` overrides it. Default: a seed is
        /// drawn, shown and logged.
        "seed" seed: BoundedInt<0, { i64::MAX }> => |one| one.seed,
        /// The period of the event `clock.tick`, as a duration; the first tick is at 0. `"0s"` turns the
        /// ticks off.
        "tick" tick: DurationValue = "1s" => |one| one.tick.unwrap_or_default(),
        /// The longest that the run may take, as a duration; after it everything is stopped, and the run
        /// has failed. With `hold` it only ends the run. Default: no limit.
        "time_limit" time_limit: DurationValue<true> => |one| one.time_limit,
        /// Whether the run goes on when everything on the timeline has happened, until Ctrl-C, a typed `quit`
        /// or the `time_limit`, and has passed then if all was as expected.
        "hold" hold: bool = false => |one| one.hold; UnlessDefault,
        /// Paths of files that add `presets`, `fetches`, `data`, `vars`, `timeline` and `expect`, relative to this
        /// file. A name may be defined only once. Their entries stand before those of this file.
        "include" include: ListOf<IncludePath, 0>,
        /// Variables by name: `${name}` in any string is replaced by the value, and `--var name=value`
        /// overrides it. `${env:NAME}` reads the environment; `$${` is a literal `${`.
        "vars" vars: NamedTable<RawVar, VarNameRule> => |one| {
            encode_named(one.vars.iter().map(|(name, value)| (&**name, value)))
        },
        /// The presets by name: groups of players or programs that the timeline can spawn.
        "presets" presets: NamedTable<RawPreset, JobNameRule> => |one| {
            encode_named(one.presets.iter().map(|preset| (preset.key(), RawPreset::write(preset))))
        },
        /// The fetches by name: HTTP requests, or loads of them, that the timeline can start.
        "fetches" fetches: NamedTable<RawFetchJob, JobNameRule> => |one| {
            encode_named(one.fetches.iter().map(|job| (&*job.name, RawFetchJob::write(job))))
        },
        /// Tables of rows by name, whose values stand in the texts of requests.
        "data" data: NamedTable<RawDataTable, JobNameRule> => |one| {
            unless_empty(encode_named(one.data.iter().map(|table| (&*table.name, RawDataTable::write(table)))))
        },
        /// The entries of the timeline, in any order: each says what happens, and when.
        "timeline" timeline: ListOf<RawTimelineEntry, 0> => |one| {
            let entries = one.timeline.iter().map(|entry| EntryOfScenario { scenario: one, entry });
            entries.map(|entry| RawTimelineEntry::write(&entry)).collect::<Json>()
        },
        /// The expectations: conditions on the events of the run, checked when it ends. A missed one fails
        /// the run.
        "expect" expect: ListOf<RawExpectation, 0> => |one| {
            unless_empty(one.expectations.iter().map(RawExpectation::write).collect())
        },
        /// Cells that players load and store in their `steps`, by name, with the integer that each holds at
        /// first.
        "shared" shared: RawSharedCells => |one| {
            unless_empty(encode_named(one.shared_cells.iter().map(|(name, value)| (&**name, *value))))
        },
        /// Channels by name, through which players send numbers to each other in their `steps`.
        "channels" channels: NamedTable<RawChannel, VarNameRule> => |one| {
            unless_empty(encode_named(one.channels.iter().map(|one| (&*one.name, RawChannel::write(one)))))
        },
        /// The world: a grid in which each player has a place. Default: there is no world.
        "world" world: RawWorld => |one| one.world.as_ref().map(RawWorld::write),
        /// The names of variables of the environment whose values are no secrets, so that `${env:NAME}` is shown
        /// as it is. Everyday names such as `HOME`, `PWD`, `USER` and `NODE_ENV` need not be given.
        "plain" plain: ListOf<EnvName, 0>,
        /// Files of variables of the environment, such as `".env"`, relative to this file: `NAME=value` in each line.
        /// `${env:NAME}` and the programs get those that the environment itself has not. The values are secret.
        "env_file" env_file: OneOrList<ScenarioPath>,
        /// The names of variables of the environment that programs inherit and whose values are secret: they are
        /// logged as `[redacted]` wherever they appear.
        "secrets" secrets: ListOf<EnvName, 0>,
        /// Ports by name: `${port:NAME}` is the port of this name. A name that is not here gets a free port, which
        /// the log has here.
        "ports" ports: NamedTable<BoundedInt<1, 65535>, VarNameRule> => |one| {
            unless_empty(encode_named(one.ports.iter().map(|(name, port)| (&**name, i64::from(*port)))))
        },
        /// Lists of values by name: `seed`, or a variable. `scenario run --matrix` makes a run of each combination.
        "matrix" matrix: RawMatrix,
        /// The links by name: proxies of the runner between two programs, on which entries put faults.
        "links" links: NamedTable<RawLink, JobNameRule> => |one| {
            unless_empty(encode_named(one.links.iter().map(|link| (&*link.name, RawLink::write(link)))))
        },
    }
}

table! {
    /// A file that another file includes.
    RawIncludedFile is "an included file" with [] {
        /// Paths of files that add `presets`, `fetches`, `data`, `vars`, `timeline` and `expect`, relative to this
        /// file. A name may be defined only once. Their entries stand before those of this file.
        "include" include: ListOf<IncludePath, 0>,
        /// Variables by name, which hold in all files of the scenario.
        "vars" vars: NamedTable<RawVar, VarNameRule>,
        /// The presets by name: groups of players or programs that the timeline can spawn.
        "presets" presets: NamedTable<RawPreset, JobNameRule>,
        /// The fetches by name: HTTP requests, or loads of them, that the timeline can start.
        "fetches" fetches: NamedTable<RawFetchJob, JobNameRule>,
        /// Tables of rows by name, whose values stand in the texts of requests.
        "data" data: NamedTable<RawDataTable, JobNameRule>,
        /// The entries of the timeline, in any order: each says what happens, and when.
        "timeline" timeline: ListOf<RawTimelineEntry, 0>,
        /// The expectations: conditions on the events of the run, checked when it ends.
        "expect" expect: ListOf<RawExpectation, 0>,
        /// The names of variables of the environment whose values are no secrets, so that `${env:NAME}` is shown
        /// as it is. Everyday names such as `HOME`, `PWD`, `USER` and `NODE_ENV` need not be given.
        "plain" plain: ListOf<EnvName, 0>,
        /// Files of variables of the environment, such as `".env"`, relative to this file: `NAME=value` in each line.
        /// `${env:NAME}` and the programs get those that the environment itself has not. The values are secret.
        "env_file" env_file: OneOrList<ScenarioPath>,
        /// The names of variables of the environment that programs inherit and whose values are secret: they are
        /// logged as `[redacted]` wherever they appear.
        "secrets" secrets: ListOf<EnvName, 0>,
        /// Ports by name: `${port:NAME}` is the port of this name. A name that is not here gets a free port, which
        /// the log has here.
        "ports" ports: NamedTable<BoundedInt<1, 65535>, VarNameRule>,
        /// The links by name: proxies of the runner between two programs, on which entries put faults.
        "links" links: NamedTable<RawLink, JobNameRule>,
    }
}

table! {
    /// A channel, through which players send numbers to each other.
    RawChannel is "a channel" from (Channel) with [] {
        /// The most messages that the channel holds, from 1 to 1,000,000. A player that sends to a full channel
        /// waits.
        "capacity" capacity: BoundedInt<1, MAX_CHANNEL_CAPACITY> = 1 => |channel| channel.capacity,
        /// The order in which messages are received: `"fifo"`, as they were sent, or `"any"`, as the seed
        /// draws.
        "order" order: ChannelOrder = "fifo" => |channel| channel.order,
        /// Whether messages may be lost, as the seed draws. A message to a full channel then is lost, and
        /// nobody waits to send.
        "lossy" lossy: bool = false => |channel| channel.lossy,
    }
}

table! {
    /// A world: a grid in which each player has a place, drawn from the seed.
    RawWorld is "`world`" from (WorldRules) like "{ size = [40, 20], edges = \"wrap\" }" with [TableRule::Required("size", "size = [40, 20]")] {
        /// The width and the height of the world, each from 1 to 10,000. A move changes x (E, W) or y (S,
        /// N) by one.
        "size" size: PairOf<BoundedInt<1, MAX_WORLD_SIDE>> => |world| world.size.to_vec(),
        /// What happens to a player that walks beyond an edge: with `"wrap"` it comes in at the opposite
        /// edge, with `"stop"` it stays where it is.
        "edges" edges: WorldEdges = "wrap" => |world| world.edges,
        /// The period of the event `world.state`, as a duration; with `"0s"` the event comes after every
        /// move.
        "broadcast" broadcast: DurationValue = "1s" => |world| world.broadcast.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::schema::TomlSchema as _;
    use crate::scenario::schema::after::TriggerTable;
    use crate::scenario::schema::capture::CaptureTable;

    #[test]
    fn every_default_is_a_value_of_its_key() {
        RawScenario::decode_defaults();
        TriggerTable::decode_defaults();
        CaptureTable::decode_defaults();
    }
}
