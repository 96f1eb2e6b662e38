-- Topics applied to posts that are already stored.

-- Those products of a post that only topics found, so that a topic can take its own back. NULL if there are none, or if
-- the post was stored before this migration, when it was not recorded.
ALTER TABLE social_media_posts ADD COLUMN topics text[];

-- Names that the topic had before, under which stored posts may still be counted.
ALTER TABLE topics ADD COLUMN former_names text[] NOT NULL DEFAULT '{}';

-- Topics to apply to stored posts, newest post first. One process at a time runs a job, which holds its lease.
CREATE TABLE topic_jobs (
    id              uuid PRIMARY KEY,
    topic_id        uuid NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
    from_time       timestamptz NOT NULL,
    to_time         timestamptz NOT NULL,
    state           text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    -- `updated_at` of the topic that the job applies. If the topic is replaced, the job starts again.
    topic_version   timestamptz,
    -- Event time and id of the last post that was read. Moves in the transaction that changes the posts before it.
    position_at     timestamptz,
    position_id     uuid,
    n_posts_read    bigint NOT NULL DEFAULT 0,
    n_posts_changed bigint NOT NULL DEFAULT 0,
    -- Estimate, from the rollups.
    n_posts_total   bigint NOT NULL,
    -- Why it failed, in words.
    error           text,
    lease_holder    uuid,
    leased_until    timestamptz,
    created_at      timestamptz NOT NULL,
    -- Name of the person who created it, as given.
    created_by      text,
    updated_at      timestamptz NOT NULL,
    finished_at     timestamptz
);
CREATE INDEX topic_jobs_topic ON topic_jobs (topic_id, created_at);

-- At most one job for each topic at a time.
CREATE UNIQUE INDEX topic_jobs_unfinished ON topic_jobs (topic_id) WHERE state IN ('queued', 'running');
