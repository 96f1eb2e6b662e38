-- The built-in churn rule alerted on a single post. From now on it requires three, unless somebody has changed it.
UPDATE alert_rules SET name = 'Posts that suggest churn', threshold = 2, clear_threshold = 2
WHERE id = '01930000-0000-7000-8000-000000000003' AND updated_at = created_at;

-- Its alerts are titled and measured by their number of posts, as the rule is.
UPDATE sentiment_alerts AS alert SET
    title = to_char(alert.count, 'FM999,999,999,999')
        || CASE WHEN alert.count = 1 THEN ' post suggests churn' ELSE ' posts suggest churn' END
        || CASE WHEN alert.key = '' THEN '' ELSE ': ' || alert.key END,
    value = alert.count,
    opening_value = alert.opening_count,
    peak_value = alert.peak_count,
    threshold = churn.threshold
FROM alert_rules AS churn
WHERE churn.id = '01930000-0000-7000-8000-000000000003' AND alert.rule_id = churn.id;

-- So is their history. It recorded risks only, so earlier numbers are known only from the opening, if that was measured,
-- and since the last post joined. The others stay unknown.
ALTER TABLE alert_history ALTER COLUMN value DROP NOT NULL;
UPDATE alert_history AS moment SET value = CASE
    WHEN moment.at >= alert.updated_at THEN alert.count
    WHEN moment.at = alert.opened_at THEN alert.opening_count
END
FROM sentiment_alerts AS alert
WHERE alert.id = moment.alert AND alert.rule_id = '01930000-0000-7000-8000-000000000003';
