//! The locks, cells and channels that players wait for, and the players that wait for each.

use crate::scenario::model::step_program::Instruction;
use crate::scenario::model::steps::StepAction;
use crate::scenario::model::{PresetKind, Scenario};

/// The players that wait for each resource. A resource is a lock, a cell or a channel, as one index.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepResources {
    lock_count: usize,
    cell_count: usize,
    /// By resource; sorted.
    waiters: Vec<Vec<u32>>,
    /// By resource: whether any step of the scenario can wait for it.
    is_waited_for: std::rc::Rc<[bool]>,
}

impl StepResources {
    pub(crate) fn new(scenario: &Scenario) -> StepResources {
        let (locks, cells) = (scenario.locks.len(), scenario.shared_cells.len());
        let all = locks + cells + scenario.channels.len();
        let mut resources = StepResources {
            lock_count: locks,
            cell_count: cells,
            waiters: vec![Vec::new(); all],
            is_waited_for: std::rc::Rc::default(),
        };
        let mut is_waited_for = vec![false; all];
        for preset in &scenario.presets {
            let PresetKind::Players(players) = &preset.kind else { continue };
            for instruction in players.programs().flat_map(|program| &program.instructions) {
                waited_resources(instruction, &resources).for_each(|one| is_waited_for[one] = true);
            }
        }
        resources.is_waited_for = is_waited_for.into();
        resources
    }

    pub(crate) fn lock(&self, lock: usize) -> usize {
        lock
    }

    pub(crate) fn cell(&self, cell: usize) -> usize {
        self.lock_count + cell
    }

    pub(crate) fn channel(&self, channel: usize) -> usize {
        self.lock_count + self.cell_count + channel
    }

    pub(crate) fn is_waited_for(&self, resource: usize) -> bool {
        self.is_waited_for[resource]
    }

    /// The players that wait for a resource, in the order of their start.
    pub(crate) fn waiters(&self, resource: usize) -> &[u32] {
        &self.waiters[resource]
    }

    /// Notes that a player waits before an instruction.
    pub(crate) fn add_waiter(&mut self, id: u32, instruction: &Instruction) {
        let resources: Vec<usize> = waited_resources(instruction, self).collect();
        for resource in resources {
            if let Err(place) = self.waiters[resource].binary_search(&id) {
                self.waiters[resource].insert(place, id);
            }
        }
    }

    /// Notes that a player no longer waits before an instruction.
    pub(crate) fn remove_waiter(&mut self, id: u32, instruction: &Instruction) {
        let resources: Vec<usize> = waited_resources(instruction, self).collect();
        for resource in resources {
            if let Ok(place) = self.waiters[resource].binary_search(&id) {
                self.waiters[resource].remove(place);
            }
        }
    }
}

/// The resources that a player may have to wait for before an instruction.
pub(crate) fn waited_resources<'a>(
    instruction: &'a Instruction,
    resources: &'a StepResources,
) -> impl Iterator<Item = usize> + 'a {
    let action = match instruction {
        Instruction::Step(step) => Some(&step.action),
        _ => None,
    };
    let (one, cells) = match action {
        Some(StepAction::Lock(lock)) => (Some(resources.lock(*lock)), Vec::new()),
        Some(StepAction::Send(channel) | StepAction::Receive(channel)) => {
            (Some(resources.channel(*channel)), Vec::new())
        }
        Some(StepAction::Wait(condition)) => (None, condition.test.cells()),
        _ => (None, Vec::new()),
    };
    one.into_iter().chain(cells.into_iter().map(|cell| resources.cell(*cell)))
}
