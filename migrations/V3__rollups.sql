-- Exact sums by bucket, source, dimension and key. Floats would make a sum depend on the order of addition, so
-- averages are kept as sums of millionths.

-- The order of the labels is the order of `models::rollup::Dimension`, which is the order of upserts.
CREATE TYPE rollup_dimension AS ENUM ('overall', 'city', 'product', 'channel', 'platform');

-- Current buckets are updated by every batch. Half-filled pages leave room for the new row version beside the
-- old one, so that an update touches no index.
CREATE TABLE sentiment_rollups (
    bucket            timestamptz      NOT NULL,
    count             bigint           NOT NULL,
    positive          bigint           NOT NULL,
    neutral           bigint           NOT NULL,
    negative          bigint           NOT NULL,
    sentiment_micros  bigint           NOT NULL,
    churn_micros      bigint           NOT NULL,
    churn_high        bigint           NOT NULL,
    toxicity_micros   bigint           NOT NULL,
    emotion_anger     bigint           NOT NULL,
    emotion_disgust   bigint           NOT NULL,
    emotion_fear      bigint           NOT NULL,
    emotion_joy       bigint           NOT NULL,
    emotion_neutral   bigint           NOT NULL,
    emotion_sadness   bigint           NOT NULL,
    emotion_surprise  bigint           NOT NULL,
    late              bigint           NOT NULL,
    revision          bigint           NOT NULL,
    dimension         rollup_dimension NOT NULL,
    source            text             NOT NULL,
    key               text             NOT NULL,
    PRIMARY KEY (bucket, source, dimension, key)
) WITH (fillfactor = 50);

-- One dimension over a long time, without reading past the others. Updates leave both columns alone and so cost it
-- nothing.
CREATE INDEX sentiment_rollups_dimension ON sentiment_rollups (dimension, bucket);

-- The rows that compaction merges into minutes: those that do not begin one. Without it, every compaction would read
-- everything that was compacted before.
CREATE INDEX sentiment_rollups_fine ON sentiment_rollups (bucket)
    WHERE date_bin('1 minute', bucket, '2000-01-01 00:00:00+00'::timestamptz) <> bucket;
