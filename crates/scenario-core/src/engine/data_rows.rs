//! Which row of a table is taken next. Pure: the values of the rows are not looked at.

use crate::engine::random::RandomStream;
use crate::scenario::model::{DataTable, RowOrder};

/// How far the tables of a run have been used up.
#[derive(Clone)]
pub(crate) struct TakenRows {
    /// The rows that were taken of each table whose rows are taken once.
    once: Vec<u32>,
}

impl TakenRows {
    /// Nothing was taken of any of these tables.
    pub(crate) fn new(tables: &[DataTable]) -> TakenRows {
        TakenRows { once: vec![0; tables.len()] }
    }

    /// Takes a row of a table, counted from 0; `index` is that of the table in the scenario. `None` if each row
    /// was taken once.
    ///
    /// A taker of rows in order says how many it has taken before, so that its rows do not depend on others. `random` is drawn from only for a row by chance.
    pub(crate) fn take(
        &mut self,
        index: usize,
        table: &DataTable,
        taken_before: u64,
        random: &mut RandomStream,
    ) -> Option<u32> {
        match table.take {
            RowOrder::InOrder => u32::try_from(taken_before % u64::from(table.row_count.max(1))).ok(),
            RowOrder::ByChance => Some(random.below(table.row_count)),
            RowOrder::Once => {
                let next = self.once.get_mut(index)?;
                let row = *next;
                *next += u32::from(row < table.row_count);
                (row < table.row_count).then_some(row)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FilePlace;
    use crate::engine::random::RandomStreamId;
    use crate::scenario::model::DataSource;

    fn table(take: RowOrder, row_count: u32) -> DataTable {
        DataTable {
            name: "t".to_owned(),
            source: DataSource::Inline,
            take,
            columns: vec!["a".to_owned()],
            row_count,
            rows: None,
            place: FilePlace::default(),
        }
    }

    fn taken(tables: &[DataTable], index: usize, count: u64) -> Vec<Option<u32>> {
        let mut rows = TakenRows::new(tables);
        let mut random = RandomStreamId::new(2018, "rows").with_text("load").with_number(0).stream();
        (0..count).map(|n| rows.take(index, &tables[index], n, &mut random)).collect()
    }

    #[test]
    fn rows_in_order_begin_again() {
        let tables = [table(RowOrder::InOrder, 3)];
        assert_eq!(taken(&tables, 0, 7), [0, 1, 2, 0, 1, 2, 0].map(Some));
    }

    #[test]
    fn rows_once_are_used_up_for_all_who_take() {
        let tables = [table(RowOrder::Once, 2), table(RowOrder::Once, 3)];
        assert_eq!(taken(&tables, 1, 5), [Some(0), Some(1), Some(2), None, None]);
        let (mut rows, mut random) = (TakenRows::new(&tables), RandomStreamId::new(1, "rows").stream());
        let mut next = |index: usize| rows.take(index, &tables[index], 0, &mut random);
        assert_eq!([next(0), next(1), next(0), next(0), next(1)], [Some(0), Some(0), Some(1), None, Some(1)]);
    }

    #[test]
    fn rows_by_chance_never_change_and_come_alike() {
        let tables = [table(RowOrder::ByChance, 5)];
        assert_eq!(taken(&tables, 0, 8), GOLDEN.map(Some));
        let many = taken(&tables, 0, 50_000);
        for row in 0..5 {
            let count = many.iter().filter(|taken| **taken == Some(row)).count();
            assert!((9_600..10_400).contains(&count), "{row}: {count}");
        }
    }
    const GOLDEN: [u32; 8] = [1, 3, 3, 2, 2, 3, 0, 1];
}
