-- How a post's counts developed: one row for each time it was sent again with other counts.

-- A redelivered stream entry carries the same time of acceptance, so the primary key makes its second coming
-- harmless. `created_at` is the post's, so that samples expire with their post.
CREATE TABLE engagement_samples (
    uuid        uuid        NOT NULL,
    sampled_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    likes       bigint,
    shares      bigint,
    comments    bigint,
    views       bigint,
    PRIMARY KEY (uuid, sampled_at)
);

CREATE INDEX engagement_samples_created_at ON engagement_samples USING brin (created_at) WITH (autosummarize = on);
