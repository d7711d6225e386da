//! The fetches of players: each is a run of a fetch job that belongs to its player, with the values that the
//! player captured. The player goes on when all fetches of its step have ended.

use std::rc::Rc;

use super::RunState;
use crate::engine::effect::Effect;
use crate::engine::expectations::outcome::EventOrigin;
use crate::engine::job::PlayerRound;
use crate::engine::output::EngineOutput;
use crate::engine::players::RequestedStep;
use crate::engine::random::RandomStreamId;
use crate::engine::request_values::StartingRequest;
use crate::scenario::model::steps::{FetchStep, StepAction};
use crate::scenario::model::{FetchMode, OnFailure, Scenario};
use scenario_log::event::{Event, Source};
use scenario_log::time::Moment;

impl RunState {
    /// Adds the sessions of a spawn's players that fetch.
    pub(super) fn add_sessions(&mut self, play: usize, due: Moment) {
        let scenario = Rc::clone(&self.scenario);
        let players = self.players.players_of_spawn(play);
        for id in players.clone() {
            let role = self.players.step_roles()[id as usize];
            if !role.program(&scenario).has_fetch() {
                continue;
            }
            let Some(source) = &role.group(&scenario).data else {
                self.sessions.add(players.clone(), id, due, None);
                continue;
            };
            let before = self.sessions.count_row(role.preset, role.group);
            let random = self.players.random_mut(id);
            let row = self.request_values.take_player_row(source.table, before, random);
            if row.is_none() {
                let (of, player) = self.players.step_player(id, &scenario);
                let reason =
                    format!("{player} of {of} has no row: each row of `{}` was taken once", source.name);
                self.lifecycle.record_failure(|| reason);
                self.players.give_up(id, &scenario);
            }
            self.sessions.add(players.clone(), id, due, row);
        }
    }

    /// The row and the draws that the values of a player's request depend on; `None` if it has no such values.
    /// `of_fetch` has the row of the fetch itself.
    pub(super) fn player_request(
        &self,
        round: PlayerRound,
        (job, url): (usize, usize),
        of_fetch: Option<StartingRequest>,
    ) -> Option<StartingRequest> {
        if !self.request_values.has_values(job) {
            return None;
        }
        let scenario = &self.scenario;
        let session = self.sessions.get(round.player)?;
        let (source, player) = self.players.step_player(round.player, scenario);
        let own_table = self.players.group_of(round.player, scenario).data.as_ref().map(|own| own.table);
        let (row, table) = match (own_table, of_fetch) {
            (Some(table), _) => (session.row(), Some(table)),
            (None, Some(of_fetch)) => (of_fetch.row, of_fetch.table),
            (None, None) => (None, None),
        };
        let spawn = self.spawns.find(source).and_then(|(number, _)| self.spawns.get(number));
        let (preset, nth) =
            spawn.map_or(("", 0), |spawn| (scenario.presets[spawn.preset()].name.as_str(), spawn.nth()));
        let id = RandomStreamId::new(self.seed, "player draw").with_text(preset).with_number(nth);
        let id = id.with_player(player).with_text(&scenario.fetches[job].name);
        Some(StartingRequest {
            row,
            table,
            player: Some(player.to_string()),
            n: round.n.into(),
            draws: id.with_number(round.n.into()).with_number(url as u64),
        })
    }

    /// Starts the fetches of a player's step.
    pub(super) fn start_player_fetches(
        &mut self,
        step: RequestedStep,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let scenario = Rc::clone(&self.scenario);
        let Some(StepAction::Fetch(fetches)) = self.requested_step(step, &scenario).map(|step| &step.action)
        else {
            return;
        };
        if let Some(session) = self.sessions.get_mut(step.id) {
            session.begin_step(fetches.len() as u32);
        }
        for (index, fetch) in fetches.iter().enumerate() {
            // Nothing else depends on how often a fetch was made.
            let session =
                self.sessions.get_mut(step.id).filter(|_| self.request_values.has_values(fetch.fetch));
            let n = session.map_or(0, |session| session.count_round(fetch.fetch));
            let round = PlayerRound {
                n,
                player: step.id,
                instruction: step.instruction as u32,
                index: index as u32,
                started_at: due,
            };
            let job = &scenario.fetches[fetch.fetch];
            let takes_row = job.data.is_some() && self.players.group_of(step.id, &scenario).data.is_none();
            let series = if takes_row { self.request_values.begin_run(fetch.fetch) } else { None };
            let job_run = self.jobs.add_round(fetch.fetch, round, series);
            if !self.claim_round(job_run, out) {
                self.jobs.record_failure(job_run);
                self.finish_job_if_over(job_run, out);
                continue;
            }
            let at_once = match job.mode {
                FetchMode::Concurrent => job.urls.len(),
                FetchMode::Sequential => 1,
            };
            for _ in 0..at_once {
                self.start_request(job_run, due, out);
            }
        }
    }

    /// A fetch of a player has ended: the player goes on, if that was the last of its step.
    pub(super) fn player_round_ended(
        &mut self,
        round: PlayerRound,
        is_expected: bool,
        out: &mut EngineOutput<'_>,
    ) {
        let id = round.player;
        let scenario = Rc::clone(&self.scenario);
        let Some(session) = self.sessions.get_mut(id) else { return };
        let all_expected = session.end_fetch(is_expected);
        let (source, player) = self.players.step_player(id, &scenario);
        let took = out.now().since(round.started_at);
        let step = &self.fetch_of(round, &scenario).label;
        out.event(&Event::StepEnded { source, player, step, took, ok: is_expected });
        let Some(all_expected) = all_expected else { return };
        let on_failure = (!all_expected).then(|| self.players.group_of(id, &scenario).on_failure);
        if on_failure == Some(OnFailure::Again) {
            if let Some(session) = self.sessions.get_mut(id) {
                session.forget();
            }
            out.effect(Effect::EndSession { session: id });
        }
        self.players.end_fetching(id, out.now(), all_expected, on_failure, &scenario);
    }

    /// The preset, the fetch and the entry that a request of a player belongs to.
    pub(super) fn player_origin(&self, id: u32, job: usize) -> EventOrigin {
        let source = self.players.step_player(id, &self.scenario).0;
        let spawn = self.spawns.find(source).and_then(|(number, _)| self.spawns.get(number));
        let (preset, entry) = (
            spawn.map(|spawn| self.scenario.first_of_name(spawn.preset())),
            spawn.and_then(|spawn| spawn.entry()),
        );
        EventOrigin::for_player_request(source, preset, job, entry)
    }

    /// The fetch of a player's round.
    pub(super) fn fetch_of<'s>(&self, round: PlayerRound, scenario: &'s Scenario) -> &'s FetchStep {
        let program = self.players.step_roles()[round.player as usize].program(scenario);
        match program.step_at(round.instruction as usize).map(|step| &step.action) {
            Some(StepAction::Fetch(fetches)) => &fetches[round.index as usize],
            _ => unreachable!("a round belongs to a step that fetches"),
        }
    }

    /// Reports the end of a player that fetches, and forgets its session.
    pub(super) fn end_session(&mut self, id: u32, out: &mut EngineOutput<'_>) {
        let Some(started_at) = self.sessions.remove(id) else { return };
        let scenario = Rc::clone(&self.scenario);
        let (source, player) = self.players.step_player(id, &scenario);
        let took = out.now().since(started_at);
        let ok = !self.players.has_given_up(id);
        out.event(&Event::PlayerEnded { source, player, took, ok });
        out.effect(Effect::EndSession { session: id });
    }

    /// Gives up the requests of a spawn's players, and forgets their sessions.
    pub(super) fn drop_sessions(&mut self, play: usize, out: &mut EngineOutput<'_>) {
        let players = self.players.players_of_spawn(play);
        let is_of_spawn = |id: u32| players.contains(&id);
        let rounds = self.requests.iter().filter(|(_, request)| {
            let round = self.jobs.get(request.job_run()).and_then(|run| run.round());
            round.is_some_and(|round| is_of_spawn(round.player))
        });
        let sources: Vec<Source> = rounds.map(|(source, _)| source).collect();
        for source in sources {
            if let Source::Request(number) = source {
                self.cancel_request(number, out);
            }
        }
        for id in players {
            if self.sessions.remove(id).is_some() {
                out.effect(Effect::EndSession { session: id });
            }
        }
    }
}
