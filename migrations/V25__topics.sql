-- Topics, each with a boolean query. The name of a topic is a key of the dimension `product`.
CREATE TABLE topics (
    id           uuid PRIMARY KEY,
    name         text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('product', 'brand', 'competitor', 'person', 'event', 'issue')),
    is_ours      boolean NOT NULL,
    query        text NOT NULL,
    tracks_churn boolean NOT NULL,
    enabled      boolean NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    -- Name of the person who last changed it, as given.
    updated_by   text
);
CREATE UNIQUE INDEX topics_name ON topics (lower(name));
