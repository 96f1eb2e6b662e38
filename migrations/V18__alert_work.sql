-- What people do about alerts: comments, and taking an acknowledgement back.

-- The text of a comment, for the action `commented`.
ALTER TABLE alert_history ADD COLUMN comment text;

ALTER TABLE sentiment_alerts
    ADD COLUMN n_comments  integer NOT NULL DEFAULT 0,
    -- Every change that clients can see adds one, so that a client that holds two versions knows which one is newer.
    -- `updated_at` cannot tell: it also decides when a burst of churn has ended, so not every change moves it.
    ADD COLUMN revision    bigint NOT NULL DEFAULT 0;
