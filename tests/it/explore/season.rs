//! Posts of several days, which all tests of this folder read.

use groundswell::bench::explore::{CorpusParams, Filled, fill};
use groundswell::store::operations::explain::vacuum;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::support::Space;

/// Few enough that each day holds as many posts as it would with a million in all, because the best plan for a small
/// table is to read all of it.
pub const DAYS: u32 = 4;

/// A corpus of posts that the tests only read.
pub struct Season {
    pub space: Space,
    pub filled: Filled,
    pub until: Timestamp,
}

pub async fn season() -> &'static Season {
    static SEASON: OnceCell<Season> = OnceCell::const_new();
    SEASON
        .get_or_init(|| async {
            let space = Space::new().await;
            let store = space.store().await;
            store.migrate().await.unwrap();
            let until = Timestamp::now();
            let corpus = CorpusParams { n_posts: 60_000, days: DAYS, until };
            let filled = fill(&store, corpus, |_| {}).await.unwrap();
            vacuum(&store).await.unwrap();
            store.close();
            Season { space, filled, until }
        })
        .await
}
