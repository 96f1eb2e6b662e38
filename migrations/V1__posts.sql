-- What people say. Every statement here runs inside the one transaction of its migration.

CREATE TYPE sentiment_label AS ENUM ('positive', 'neutral', 'negative');
CREATE TYPE emotion_label AS ENUM ('anger', 'disgust', 'fear', 'joy', 'neutral', 'sadness', 'surprise');

-- (platform, id) alone makes a post unique, whatever its time says. A unique index on a partitioned table
-- must contain the partition key, so the promise lives in this table, which has none.
CREATE TABLE post_keys (
    platform    text        NOT NULL,
    post_id     text        NOT NULL,
    uuid        uuid        NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (platform, post_id)
);

-- Only expiry looks keys up by time. Rows arrive nearly in that order, so a block range index costs next to
-- nothing where a B-tree would cost one more insertion for every post.
CREATE INDEX post_keys_created_at ON post_keys USING brin (created_at) WITH (autosummarize = on);

-- Fixed-width columns first: no bytes are lost to alignment.
CREATE TABLE social_media_posts (
    uuid                 uuid        NOT NULL,
    created_at           timestamptz NOT NULL,
    received_at          timestamptz NOT NULL,
    reach                bigint      NOT NULL,
    original_created_at  timestamptz,
    lat                  float8,
    lon                  float8,
    author_followers     bigint,
    likes                bigint,
    shares               bigint,
    comments             bigint,
    views                bigint,
    platform             text        NOT NULL,
    post_id              text        NOT NULL,
    source               text        NOT NULL,
    text                 text        NOT NULL,
    products             text[]      NOT NULL,
    author_id            text,
    author_handle        text,
    author_location      text,
    lang                 text,
    city                 text,
    country              text,
    channel              text,
    url                  text,
    parent_id            text,
    PRIMARY KEY (uuid, created_at)
) PARTITION BY RANGE (created_at);

-- Lists go newest first, page by page.
CREATE INDEX social_media_posts_recent ON social_media_posts (created_at, uuid);

-- An index on the expression rather than on a stored column: the vector would double the row. New words wait
-- in a pending list until one unlucky transaction merges it into the index. Measured, a list of 256 kB costs as much
-- for each post as one of 4 MB, and that transaction has a sixteenth of the work.
CREATE INDEX social_media_posts_text ON social_media_posts USING gin (to_tsvector('simple', text))
    WITH (gin_pending_list_limit = 256);

-- Takes what no daily partition does, so that no batch fails for want of one.
CREATE TABLE social_media_posts_default PARTITION OF social_media_posts DEFAULT;

-- Where cities lie, as first heard. A post keeps its own coordinates; the map wants one place for each city.
CREATE TABLE places (
    city     text   PRIMARY KEY,
    country  text,
    lat      float8 NOT NULL,
    lon      float8 NOT NULL
);
