-- What people do about posts: status, assignee, tags and notes.

-- Writers take turns, so revisions are committed in order, and a client that knows one has missed only higher ones.
CREATE SEQUENCE post_work_revision;

-- Only posts that somebody has worked on. `created_at` and `reach` are the post's, so that the queue is sorted without
-- reading posts, and rows expire with them.
CREATE TABLE post_work (
    uuid          uuid        PRIMARY KEY,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    reach         bigint      NOT NULL,
    revision      bigint      NOT NULL UNIQUE,
    n_notes       integer     NOT NULL DEFAULT 0,
    needs_answer  boolean     NOT NULL DEFAULT false,
    status        text        NOT NULL DEFAULT 'open',
    assignee      text,
    updated_by    text,
    tags          text[]      NOT NULL DEFAULT '{}'
);

-- The queue, in both of its orders. Finished work, which only grows, is not in it.
CREATE INDEX post_work_queue_oldest ON post_work (created_at, uuid)
    WHERE needs_answer AND status IN ('open', 'in_progress');
CREATE INDEX post_work_queue_reach ON post_work (reach, uuid)
    WHERE needs_answer AND status IN ('open', 'in_progress');

CREATE INDEX post_work_created_at ON post_work (created_at);
CREATE INDEX post_work_assignee ON post_work (assignee) WHERE assignee IS NOT NULL;
CREATE INDEX post_work_tags ON post_work USING gin (tags);

-- Who did what, and when. Entries are added and never changed; they expire with the post.
CREATE TABLE post_work_history (
    id      bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    post    uuid        NOT NULL REFERENCES post_work (uuid) ON DELETE CASCADE,
    at      timestamptz NOT NULL,
    field   text        NOT NULL,
    actor   text,
    before  text,
    after   text
);

CREATE INDEX post_work_history_post ON post_work_history (post, id);
