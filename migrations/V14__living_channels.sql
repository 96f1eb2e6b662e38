-- Rules named channels that had been removed, and told nobody. From here on a rule names channels that there are; one that
-- named none of those tells every channel that its severity fits, as a rule does that names none: a notice too many is
-- better than none.
UPDATE alert_rules SET channels = ARRAY(
    SELECT named.id FROM unnest(channels) WITH ORDINALITY AS named (id, place)
    WHERE EXISTS (SELECT FROM notification_channels AS there WHERE there.id = named.id)
    ORDER BY place)
WHERE NOT channels <@ ARRAY(SELECT id FROM notification_channels);
