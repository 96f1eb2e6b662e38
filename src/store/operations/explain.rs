//! Query plans: which tables and indexes the server reads for a request, and how long that takes.

use deadpool_postgres::Object;
use jiff::Timestamp;
use serde_json::Value;

use crate::models::explore::{BreakdownBy, Step};
use crate::store::metrics::series::ExploreQuery;
use crate::store::metrics::{breakdown, hourly_rollups, series, sums};
use crate::store::posts::filter::Values;
use crate::store::posts::list::{PostsQuery, Statement, list_on};
use crate::store::{Store, StoreError};

/// Request to explain, exactly as the API runs it.
#[derive(Debug, Clone)]
pub enum ExplainTarget {
    /// Page of posts.
    Posts(PostsQuery),
    /// Series with its step.
    Series(ExploreQuery, Option<Step>),
    /// Breakdown with the maximum number of parts.
    Breakdown(ExploreQuery, BreakdownBy, usize),
}

/// Node of an executed plan.
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
    /// Returns whether the node scanned a table sequentially and found rows. For an empty table, that is the best plan.
    pub fn reads_whole_table(&self) -> bool {
        self.kind == "Seq Scan" && self.n_rows > 0
    }
}

/// Executed plans of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Nodes, last operation first.
    pub nodes: Vec<Node>,
    /// Planning time, in milliseconds.
    pub planning_ms: f64,
    /// Execution time in milliseconds, including the overhead of instrumentation.
    pub execution_ms: f64,
    /// Number of pages requested, cached or not.
    pub n_pages: u64,
}

/// Runs the statements of a request with `EXPLAIN (ANALYZE, BUFFERS)` and returns their plans.
pub async fn explain(store: &Store, target: &ExplainTarget) -> Result<Plan, StoreError> {
    store
        .run(async |client| {
            let mut whole = Plan { nodes: Vec::new(), planning_ms: 0.0, execution_ms: 0.0, n_pages: 0 };
            for (sql, values) in statements_of(client, target).await? {
                let sql = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}");
                let plan: Value = client.query_one(&sql, &values.as_params()).await?.try_get(0)?;
                let top = plan.get(0).unwrap_or(&Value::Null);
                let first = whole.nodes.len();
                collect(top.get("Plan").unwrap_or(&Value::Null), &mut whole.nodes);
                let ms = |name: &str| top.get(name).and_then(Value::as_f64).unwrap_or_default();
                whole.planning_ms += ms("Planning Time");
                whole.execution_ms += ms("Execution Time");
                whole.n_pages += whole.nodes.get(first).map_or(0, |top| top.n_pages);
            }
            Ok::<_, StoreError>(whole)
        })
        .await
}

/// Vacuums and analyzes the database, as autovacuum does within minutes of a large change, so that plans match those of a
/// server that has been running for a while.
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
    };
    let until = hourly_rollups::until(client).await?;
    let mut values = Values::default();
    let (sql, _) = sums::statement(filter, &sum_query, until, &mut values);
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
        let read = number("Actual RollupRows")
            + number("RollupRows Removed by Filter")
            + number("RollupRows Removed by Index Recheck");
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
