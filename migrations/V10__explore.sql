-- History over weeks and months, and what people do with it.

-- The rollups once more, by whole hours: a season by city is read from thousands of rows rather than a million. Rows are
-- exactly the sums of `sentiment_rollups` for hours before `until`; later ones are not to be relied on. Compaction writes
-- them, so that storing a post of the moment costs nothing more; a late post adds to both.
CREATE TABLE sentiment_rollup_hours (
    LIKE sentiment_rollups,
    PRIMARY KEY (dimension, bucket, key, source)
);

-- One row. Nothing is filled in here: the next compaction begins with the oldest hour, and until it has come to the end
-- the rest is read from `sentiment_rollups`.
CREATE TABLE rollup_hours_until (
    id     boolean      PRIMARY KEY DEFAULT true,
    until  timestamptz  NOT NULL
);
INSERT INTO rollup_hours_until (until) VALUES ('1970-01-01 00:00:00+00');

-- What one person wrote. Nearly every author writes little, so without it one is looked for among everything.
CREATE INDEX social_media_posts_author ON social_media_posts ((coalesce(author_handle, author_id)), created_at)
    WHERE coalesce(author_handle, author_id) IS NOT NULL;

-- The posts that go furthest: the top of a week without sorting it, and a season's few above a border.
CREATE INDEX sentiment_analysis_virality ON sentiment_analysis (virality);

-- A page of the dashboard as somebody wants to see it again.
CREATE TABLE saved_views (
    id          uuid        PRIMARY KEY,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    name        text        NOT NULL,
    page        text        NOT NULL,
    query       text        NOT NULL
);

-- What a person says a post's sentiment is. Beside the model's, which every count goes by and which a better model may
-- replace: what the person said stays. `was_label` and `was_model` are what it was said against.
CREATE TABLE label_corrections (
    uuid          uuid            PRIMARY KEY,
    created_at    timestamptz     NOT NULL,
    corrected_at  timestamptz     NOT NULL,
    was_model     smallint        NOT NULL,
    label         sentiment_label NOT NULL,
    was_label     sentiment_label NOT NULL,
    corrected_by  text,
    note          text
);

CREATE INDEX label_corrections_recent ON label_corrections (corrected_at, uuid);
