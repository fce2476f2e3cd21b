//! What goes first.

use std::cmp::Reverse;

use super::BudgetFile;

/// Ages within a month count as the same, so that demand can decide among them.
const MONTH: i64 = 30 * 86_400;

/// Sorts first what goes first: a former version; what many others seed, where twice as many count as more; what is
/// old, by months; what few ask for; and then the older one.
pub(super) fn goes_first(file: &BudgetFile) -> impl Ord + use<> {
    let others = file.others.unwrap_or_default();
    let band = others.checked_ilog2().map_or(0, |band| band + 1);
    let date = file.date.as_second();
    (Reverse(file.former), Reverse(band), date.div_euclid(MONTH), file.demand, date, file.id)
}
