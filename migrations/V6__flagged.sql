-- Posts at high churn risk that no alert has taken in yet. Written by the transaction that stores the post and deleted by
-- the one that raises the alert, so no death in between loses one or counts it twice.
CREATE TABLE flagged_posts (
    uuid uuid PRIMARY KEY,
    created_at timestamptz NOT NULL
);
