//! What PostgreSQL reads for each answer.

use groundswell::bench::explore::{BenchQuery, LARGE, all};
use groundswell::store::operations::explain::{Plan, explain};
use jiff::{SignedDuration, Timestamp};

use super::season::season;

/// Size of a table, in pages of 8 KB, up to which reading all of it may be the best plan. A day's scores fit in it, a
/// day's posts do not.
const SMALL_PAGES: u64 = 250;

fn check(asked: &BenchQuery, plan: &Plan, (from, to): (Timestamp, Timestamp)) {
    let name = asked.name;
    for node in plan.nodes.iter().filter(|node| node.n_loops > 0) {
        let Some(table) = &node.table else { continue };
        let large = LARGE.iter().any(|large| table.starts_with(large));
        let is_small = node.n_pages <= SMALL_PAGES;
        let whole = large && !is_small && node.reads_whole_table() && !asked.needs_all_of(table);
        assert!(!whole, "{name} reads `{table}` whole: {plan:#?}");
        let Some(day) = table.rsplit_once('_').map(|(_, day)| day).filter(|day| day.len() == 8) else {
            continue;
        };
        let day_of = |at: Timestamp| at.strftime("%Y%m%d").to_string();
        let inside = day >= day_of(from).as_str() && day <= day_of(to).as_str();
        assert!(inside, "{name} reads `{table}`, outside of {from} to {to}: {plan:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_reads_a_table_whole_for_a_few_rows_or_a_day_outside_its_range() {
    let season = season().await;
    let store = season.space.store().await;
    let mut has_seen_whole_day = false;
    for asked in all(&store, &season.filled, season.until).await.unwrap() {
        let plan = explain(&store, &asked.question).await.unwrap();
        has_seen_whole_day |= plan.nodes.iter().any(|node| {
            node.reads_whole_table() && node.table.as_ref().is_some_and(|table| asked.needs_all_of(table))
        });
        // The newest fill a page within a day, a range of a week has the days of a week. Days are made ahead.
        let days = match asked.name {
            "posts, newest" | "posts, one product" | "posts, all time" => 1,
            name if name.contains("week") && !name.contains("by week") => 7,
            _ => 100,
        };
        check(
            &asked,
            &plan,
            (
                season.until - SignedDuration::from_hours(24 * days),
                season.until + SignedDuration::from_hours(72),
            ),
        );
    }
    assert!(
        has_seen_whole_day,
        "the plans show which tables are read whole, as counting every post of a day does"
    );
}
