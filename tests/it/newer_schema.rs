//! A database that a newer version wrote: an older one refuses it in plain words, and leaves it as it is.

use groundswell::embedded::{Embedded, EmbeddedParams, RedisFsync};
use tokio_postgres::NoTls;

use crate::support::servers::{open_folder, remove};
use crate::support::{Space, refusal_of};

const MIGRATION_OF_TOMORROW: &str = "
    CREATE TABLE IF NOT EXISTS refinery_schema_history
        (version int4 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255));
    INSERT INTO refinery_schema_history VALUES (9000, 'of_tomorrow', '2100-01-01T00:00:00Z', '1')";

fn assert_plain(refusal: &str) {
    for words in ["written by a newer version", "migration 9000", "--data-dir", "DATABASE_URL"] {
        assert!(refusal.contains(words), "`{words}` is not in: {refusal}");
    }
}

#[tokio::test]
async fn a_database_of_ones_own_is_refused() {
    let space = Space::new().await;
    space.sql().await.batch_execute(MIGRATION_OF_TOMORROW).await.unwrap();
    let urls = ["--database-url", &space.database_url, "--redis-url", &space.redis_url];
    assert_plain(&refusal_of(&urls));
}

#[tokio::test]
async fn a_data_directory_is_refused_and_its_servers_are_stopped() {
    let folder = open_folder();
    let params = EmbeddedParams {
        data_dir: folder.path().to_owned(),
        redis_fsync: RedisFsync::EverySec,
        durable: false,
    };
    let embedded = Embedded::start(params.clone()).await.unwrap();
    let (client, connection) =
        tokio_postgres::connect(&embedded.endpoints().postgres_url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(MIGRATION_OF_TOMORROW).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    embedded.stop().await.unwrap();

    assert_plain(&refusal_of(&["--data-dir", folder.path().to_str().unwrap()]));
    // The lock is free again.
    Embedded::start(params).await.unwrap().stop().await.unwrap();
    remove(folder);
}
