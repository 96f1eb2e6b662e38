-- Who is to deal with an alert, and in its history, to whom it was assigned.
ALTER TABLE sentiment_alerts ADD COLUMN assignee text;
ALTER TABLE alert_history ADD COLUMN assignee text;

-- What is assigned to one person is read without going through years of alerts.
CREATE INDEX sentiment_alerts_assignee ON sentiment_alerts (assignee, opened_at, id) WHERE assignee IS NOT NULL;
