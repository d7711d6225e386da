//! The requests of players: prepared once for each URL, filled with the values of the player, and sent by
//! workers on connections that the pool keeps for all players. A request that needs more than that goes
//! through `retry` like any other.

mod exchange;
pub(super) mod requests;
mod target;
mod worker;
