//! A set of player ids that finds the `k`th smallest of them fast, also among a million.
//!
//! # How it works
//!
//! One bit stands for each id, in words of 64 bits, and a Fenwick tree holds the number of bits of each word:
//! inserting, removing and finding take a number of operations that is the logarithm of the number of words.
//! An id that is alone in the set is kept beside them: most often one player is ready at a time.
//! Source of the tree: Fenwick, "A new data structure for cumulative frequency tables", Software: Practice and
//! Experience 24 (1994).

/// A set of ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadySet {
    words: Vec<u64>,
    /// The Fenwick tree; the node `i` is at `i - 1`.
    tree: Vec<u32>,
    len: usize,
    /// The only id of the set, if that is not in the words.
    lone: Option<u32>,
}

impl ReadySet {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(crate) fn contains(&self, id: u32) -> bool {
        self.lone == Some(id) || self.words.get(id as usize / 64).is_some_and(|word| word & bit(id) != 0)
    }

    /// Adds an id, unless it is there.
    pub(crate) fn insert(&mut self, id: u32) {
        if self.len == 0 {
            self.lone = Some(id);
            self.len = 1;
            return;
        }
        if self.lone == Some(id) {
            return;
        }
        if let Some(lone) = self.lone.take() {
            self.len = 0;
            self.insert_into_words(lone);
        }
        self.insert_into_words(id);
    }

    fn insert_into_words(&mut self, id: u32) {
        let word = id as usize / 64;
        if word >= self.words.len() {
            self.grow(word + 1);
        }
        if self.words[word] & bit(id) == 0 {
            self.words[word] |= bit(id);
            self.len += 1;
            self.add(word, 1);
        }
    }

    /// Removes an id, if it is there.
    pub(crate) fn remove(&mut self, id: u32) {
        if self.lone == Some(id) {
            self.lone = None;
            self.len = 0;
        } else if self.contains(id) {
            let word = id as usize / 64;
            self.words[word] &= !bit(id);
            self.len -= 1;
            self.add(word, u32::MAX);
        }
    }

    /// The `k`th smallest id, from 0.
    ///
    /// # Panics
    /// If there are fewer.
    pub(crate) fn nth(&self, k: usize) -> u32 {
        assert!(k < self.len, "there are only {} ids", self.len);
        if let Some(lone) = self.lone {
            return lone;
        }
        let (mut node, mut left) = (0, k as u32);
        let mut step = self.tree.len().next_power_of_two();
        while step > 0 {
            if let Some(count) = self.tree.get(node + step - 1)
                && *count <= left
            {
                left -= count;
                node += step;
            }
            step /= 2;
        }
        let mut word = self.words[node];
        for _ in 0..left {
            word &= word - 1;
        }
        node as u32 * 64 + word.trailing_zeros()
    }

    /// The ids, the smallest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let in_words = self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let id = (word != 0).then(|| index as u32 * 64 + word.trailing_zeros());
                word &= word.wrapping_sub(1);
                id
            })
        });
        self.lone.into_iter().chain(in_words)
    }

    /// Changes the number of bits of a word, modulo 2^32.
    fn add(&mut self, word: usize, change: u32) {
        let mut node = word + 1;
        while let Some(count) = self.tree.get_mut(node - 1) {
            *count = count.wrapping_add(change);
            node += node & node.wrapping_neg();
        }
    }

    /// Makes room for a number of words: doubles, so that growing costs little.
    fn grow(&mut self, words: usize) {
        self.words.resize(words.max(self.words.len() * 2).next_power_of_two(), 0);
        self.tree = vec![0; self.words.len()];
        for word in 0..self.words.len() {
            let bits = self.words[word].count_ones();
            if bits > 0 {
                self.add(word, bits);
            }
        }
    }
}

fn bit(id: u32) -> u64 {
    1 << (id % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    proptest::proptest! {
        #[test]
        fn it_is_a_sorted_set(changes in proptest::collection::vec((0..500_u32, proptest::bool::ANY), 0..300)) {
            let (mut set, mut sorted) = (ReadySet::default(), BTreeSet::new());
            for (id, is_added) in changes {
                if is_added {
                    set.insert(id);
                    sorted.insert(id);
                } else {
                    set.remove(id);
                    sorted.remove(&id);
                }
                proptest::prop_assert_eq!(set.len(), sorted.len());
                proptest::prop_assert_eq!(set.contains(id), is_added);
            }
            proptest::prop_assert!(set.iter().eq(sorted.iter().copied()));
            for (k, id) in sorted.iter().enumerate() {
                proptest::prop_assert_eq!(set.nth(k), *id);
            }
        }
    }
}
