-- Posts by engagement over any range, page by page, without reading the whole range.

-- The counts that posts came with. Posts without any are left out: their engagement is unknown, and they cost nothing.
CREATE INDEX social_media_posts_engagement ON social_media_posts
    ((coalesce(likes, 0) + coalesce(shares, 0) + coalesce(comments, 0)), created_at, uuid)
    WHERE likes IS NOT NULL OR shares IS NOT NULL OR comments IS NOT NULL;

-- The counts of posts that were sent again: the newest of their `engagement_samples` with any of the three. One row per
-- post, so that its order needs no search among samples. Updating the post itself would add it to each of its indexes
-- again, the full-text index included.
CREATE TABLE latest_engagement (
    uuid        uuid        PRIMARY KEY,
    created_at  timestamptz NOT NULL,
    sampled_at  timestamptz NOT NULL,
    reactions   bigint      NOT NULL
);

CREATE INDEX latest_engagement_reactions ON latest_engagement (reactions, created_at, uuid);

INSERT INTO latest_engagement (uuid, created_at, sampled_at, reactions)
SELECT DISTINCT ON (uuid) uuid, created_at, sampled_at,
    coalesce(likes, 0) + coalesce(shares, 0) + coalesce(comments, 0)
FROM engagement_samples
WHERE likes IS NOT NULL OR shares IS NOT NULL OR comments IS NOT NULL
ORDER BY uuid, sampled_at DESC;
