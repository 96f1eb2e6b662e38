-- Posts and authors that people erase.

-- The key of an erased post stays until it expires, so that another delivery of the post is a duplicate and is not stored
-- again. A post that is erased before it arrives has a key from then on.
ALTER TABLE post_keys ADD COLUMN erased boolean NOT NULL DEFAULT false;

-- Authors who were erased, by id or handle. Posts that they wrote until then, but that are stored later, are erased, too.
-- Rows expire after the retention period, when no such post can be left.
CREATE TABLE erased_authors (
    platform   text        NOT NULL,
    author     text        NOT NULL,
    -- When the erasure was processed.
    erased_at  timestamptz NOT NULL,
    -- The time until which their posts are erased.
    until_time timestamptz NOT NULL,
    PRIMARY KEY (platform, author)
);

-- For the frequent search for posts of recently erased authors.
CREATE INDEX erased_authors_at ON erased_authors (erased_at);

-- An author's posts by id. `social_media_posts_author` finds only those without a handle by their author's id.
CREATE INDEX social_media_posts_author_id ON social_media_posts (author_id)
    WHERE author_id IS NOT NULL AND author_handle IS NOT NULL;
