-- What an alert measured at its opening and at its peak, beside the latest value, so that all three come from one source.
-- Null for alerts that are older than this.
ALTER TABLE sentiment_alerts
    ADD COLUMN opening_value  float8,
    ADD COLUMN opening_count  bigint,
    ADD COLUMN peak_value     float8,
    ADD COLUMN peak_count     bigint,
    ADD COLUMN peak_at        timestamptz,
    -- Whether the alert is about a fall, whose peak is its lowest value.
    ADD COLUMN peak_is_low    boolean NOT NULL DEFAULT false;
