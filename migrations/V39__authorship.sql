-- Who created and who last changed what a team works with. Names are copied, because accounts and credentials end while
-- what they made stays. Null in older rows, if nobody gave a name, and if the server itself made the last change.
ALTER TABLE alert_rules ADD COLUMN created_by text, ADD COLUMN updated_by text;
ALTER TABLE notification_channels ADD COLUMN created_by text, ADD COLUMN updated_by text;
ALTER TABLE saved_views ADD COLUMN created_by text, ADD COLUMN updated_by text;

-- The only change to a silence is that a person ends it early; null until then.
ALTER TABLE silences ADD COLUMN created_by text, ADD COLUMN updated_at timestamptz, ADD COLUMN updated_by text;

-- These had one of the two names.
ALTER TABLE annotations ADD COLUMN updated_by text;
ALTER TABLE reports ADD COLUMN updated_by text;
ALTER TABLE topics ADD COLUMN created_by text;
ALTER TABLE sources ADD COLUMN created_by text;
