//! Counts of moves by their directions: the four of the world, and the words of scenarios without one.

use std::collections::BTreeMap;

use scenario_log::event::{Direction, MoveDirection};

/// The most words that are counted one by one. A log may hold any number of them.
const MAX_WORDS: usize = 1_000;

/// The moves of a run, by direction.
#[derive(Clone, Debug, Default)]
pub struct MoveCounts {
    /// In the order of [`Direction::ALL`].
    compass: [u64; 4],
    words: BTreeMap<String, u64>,
    /// The moves in directions beyond [`MAX_WORDS`].
    others: u64,
}

impl MoveCounts {
    /// Counts one move.
    pub(super) fn add(&mut self, direction: MoveDirection<'_>) {
        let is_full = self.words.len() >= MAX_WORDS;
        match direction {
            MoveDirection::Compass(direction) => {
                let index = Direction::ALL.iter().position(|other| *other == direction);
                self.compass[index.unwrap_or_default()] += 1;
            }
            MoveDirection::Word(word) => match self.words.get_mut(word) {
                Some(count) => *count += 1,
                None if is_full => self.others += 1,
                None => {
                    self.words.insert(word.to_owned(), 1);
                }
            },
        }
    }

    /// The number of all moves.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.compass.iter().chain(self.words.values()).sum::<u64>() + self.others
    }

    /// The count of each direction: first `N`, `S`, `E`, `W`, then the words in the order of their bytes.
    /// Moves in directions beyond the first thousand are in none of them.
    pub fn by_word(&self) -> impl Iterator<Item = (&str, u64)> {
        let compass = Direction::ALL.iter().zip(self.compass);
        let words = self.words.iter().map(|(word, count)| (&**word, *count));
        compass.map(|(direction, count)| (direction.letter(), count)).chain(words)
    }

    /// The counts that people want to see: the largest words, and the four directions of the world unless
    /// all moves were in other directions; then, if there are more, the number of the other moves.
    #[must_use]
    pub fn shown(&self, most_words: usize) -> (Vec<(&str, u64)>, u64) {
        let has_compass = self.compass.iter().any(|count| *count > 0);
        let compass = Direction::ALL.iter().zip(self.compass).filter(|_| has_compass);
        let mut shown: Vec<_> = compass.map(|(direction, count)| (direction.letter(), count)).collect();
        let mut words: Vec<_> = self.words.iter().map(|(word, count)| (&**word, *count)).collect();
        words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        words.truncate(most_words);
        shown.extend(words);
        let others = self.total() - shown.iter().map(|(_, count)| count).sum::<u64>();
        (shown, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_words_are_shown_and_all_are_counted() {
        let mut counts = MoveCounts::default();
        for _ in 0..3 {
            counts.add(MoveDirection::from_word("rest"));
        }
        counts.add(MoveDirection::from_word("serve"));
        assert_eq!(counts.shown(1), (vec![("rest", 3)], 1));
        counts.add(MoveDirection::from_word("E"));
        let all = [("N", 0), ("S", 0), ("E", 1), ("W", 0), ("rest", 3), ("serve", 1)];
        assert_eq!(counts.by_word().collect::<Vec<_>>(), all);
        assert_eq!(counts.shown(9), (all.to_vec(), 0));
        assert_eq!(counts.total(), 5);
    }

    #[test]
    fn any_number_of_words_takes_little_room() {
        let mut counts = MoveCounts::default();
        let words: Vec<String> = (0..2_000).map(|n| format!("w{n}")).collect();
        words.iter().for_each(|word| counts.add(MoveDirection::from_word(word)));
        assert_eq!((counts.words.len(), counts.total()), (MAX_WORDS, 2_000));
        assert_eq!(counts.shown(2).1, 1_998);
    }
}
