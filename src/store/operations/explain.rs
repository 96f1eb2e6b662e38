//! Query plans, which show the tables and indexes that the server reads for a request and how long that takes.

use deadpool_postgres::Object;
use jiff::Timestamp;
use serde_json::Value;

use crate::models::explore::{BreakdownBy, Step};
use crate::store::metrics::series::ExploreQuery;
use crate::store::metrics::{breakdown, hourly_rollups, lines, series, sum_query};
use crate::store::posts::list::{PostsQuery, Statement, list_on};
use crate::store::posts::values::Values;
use crate::store::{Store, StoreError};

/// Request whose statements are explained exactly as the API runs them.
#[derive(Debug, Clone)]
pub enum ExplainTarget {
    /// One page of posts.
    Posts(PostsQuery),
    /// Series; without a step, the default step applies.
    Series(ExploreQuery, Option<Step>),
    /// Breakdown into at most this many parts.
    Breakdown(ExploreQuery, BreakdownBy, usize),
    /// Breakdown over time with at most this many lines.
    Lines(ExploreQuery, BreakdownBy, usize),
}

/// Node of a plan that was executed.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Node type, such as `Index Scan`.
    pub kind: String,
    /// Table that the node reads, if any.
    pub table: Option<String>,
    /// Index that the node reads, if any.
    pub index: Option<String>,
    /// Number of executions; 0 if the node was not needed, for example for a day outside the range.
    pub n_loops: u64,
    /// Number of rows that the node read, including discarded rows.
    pub n_rows: u64,
    /// Number of pages that the node and its children requested, cached or not.
    pub n_pages: u64,
}

impl Node {
    /// Returns whether the node scanned a table sequentially and found rows. Scanning an empty table sequentially is
    /// the best plan.
    pub fn reads_whole_table(&self) -> bool {
        self.kind == "Seq Scan" && self.n_rows > 0
    }
}

/// Executed plans for all statements of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Nodes of all plans, each node before its children.
    pub nodes: Vec<Node>,
    /// Total planning time, in milliseconds.
    pub planning_ms: f64,
    /// Total execution time in milliseconds, including the overhead of instrumentation.
    pub execution_ms: f64,
    /// Total number of pages requested, cached or not.
    pub n_pages: u64,
}

/// Runs the statements of a request with `EXPLAIN (ANALYZE, BUFFERS)` and returns their plans.
pub async fn explain(store: &Store, target: &ExplainTarget) -> Result<Plan, StoreError> {
    store
        .run(async |client| {
            let mut whole = Plan::default();
            for statement in statements_of(client, target).await? {
                explain_into(client, &statement, &mut whole).await?;
            }
            Ok::<_, StoreError>(whole)
        })
        .await
}

/// Adds the plan of one statement to the plans of a request.
async fn explain_into(
    client: &Object,
    (sql, values): &Statement,
    whole: &mut Plan,
) -> Result<(), StoreError> {
    let sql = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}");
    let plan: Value = client.query_one(&sql, &values.as_params()).await?.try_get(0)?;
    let top = plan.get(0).unwrap_or(&Value::Null);
    let first = whole.nodes.len();
    collect(top.get("Plan").unwrap_or(&Value::Null), &mut whole.nodes);
    let ms = |name: &str| top.get(name).and_then(Value::as_f64).unwrap_or_default();
    whole.planning_ms += ms("Planning Time");
    whole.execution_ms += ms("Execution Time");
    whole.n_pages += whole.nodes.get(first).map_or(0, |top| top.n_pages);
    Ok(())
}

/// Vacuums and analyzes the database, as autovacuum does within minutes of a large change. Plans then resemble those of
/// a server that has been running for a while.
pub async fn vacuum(store: &Store) -> Result<(), StoreError> {
    // Takes longer than the response timeout allows, so it uses a dedicated connection.
    let client = store.dedicated().await?;
    client.batch_execute("SET statement_timeout = 0").await?;
    client.batch_execute("VACUUM (ANALYZE)").await?;
    Ok(())
}

async fn statements_of(client: &Object, target: &ExplainTarget) -> Result<Vec<Statement>, StoreError> {
    let now = Timestamp::now();
    let (filter, sum_query) = match target {
        ExplainTarget::Posts(query) => {
            let mut executed = Vec::new();
            list_on(client, query, &mut executed).await?;
            return Ok(executed);
        }
        ExplainTarget::Series(query, step) => (&query.filter, series::sum_query_of(query, *step, now)?.0),
        ExplainTarget::Breakdown(query, by, n_items_max) => {
            let range = query.range(now)?;
            (&query.filter, breakdown::sum_query_of(*by, range, *n_items_max))
        }
        ExplainTarget::Lines(query, by, n_lines) => {
            (&query.filter, lines::sum_query_of(query, None, (*by, *n_lines), now)?.0)
        }
    };
    let until = hourly_rollups::until(client).await?;
    let mut values = Values::default();
    let (sql, _) = sum_query::statement(filter, &sum_query, until, &mut values);
    Ok(vec![(sql, values)])
}

fn collect(plan: &Value, nodes: &mut Vec<Node>) {
    let text = |name: &str| plan.get(name).and_then(Value::as_str).map(str::to_owned);
    // Averages over the loops; newer servers report decimals.
    let number = |name: &str| plan.get(name).and_then(Value::as_f64).unwrap_or_default();
    let n_loops = number("Actual Loops");
    let whole = |value: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts that are shown")]
        let value = value.round() as u64;
        value
    };
    if let Some(kind) = text("Node Type") {
        let read = number("Actual Rows")
            + number("Rows Removed by Filter")
            + number("Rows Removed by Index Recheck");
        nodes.push(Node {
            kind,
            table: text("Relation Name"),
            index: text("Index Name"),
            n_loops: whole(n_loops),
            n_rows: whole((read * n_loops).ceil()),
            n_pages: whole(number("Shared Hit Blocks") + number("Shared Read Blocks")),
        });
    }
    for below in plan.get("Plans").and_then(Value::as_array).into_iter().flatten() {
        collect(below, nodes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{empty_store, execute};

    #[tokio::test]
    async fn a_scan_of_a_table_counts_the_rows_that_it_keeps_and_those_that_it_discards() {
        let store = empty_store().await;
        execute(&store, "CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n").await;
        let client = store.client().await.unwrap();
        for (condition, expected) in [("true", 1_000), ("n > 900", 1_000), ("n < 0", 1_000), ("false", 0)] {
            let statement = (format!("SELECT n FROM numbers WHERE {condition}"), Values::default());
            let mut plan = Plan::default();
            explain_into(&client, &statement, &mut plan).await.unwrap();
            let n_rows: u64 = plan.nodes.iter().map(|node| node.n_rows).sum();
            let is_whole = plan.nodes.iter().any(Node::reads_whole_table);
            assert_eq!((n_rows, is_whole), (expected, expected > 0), "{condition}: {plan:#?}");
        }
    }
}
