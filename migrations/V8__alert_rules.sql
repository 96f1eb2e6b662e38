-- When something must be acted on becomes data, and so does how far each alert has come.

-- Nothing below may use the new labels: PostgreSQL knows them only once this transaction has committed.
ALTER TYPE alert_rule ADD VALUE 'spike';
ALTER TYPE alert_rule ADD VALUE 'virality';
ALTER TYPE alert_rule ADD VALUE 'threshold';
-- Labels are ordered from quiet to loud.
ALTER TYPE alert_severity ADD VALUE 'info' BEFORE 'warning';

CREATE TABLE alert_rules (
    id                   uuid             PRIMARY KEY,
    name                 text             NOT NULL,
    enabled              boolean          NOT NULL,
    builtin              boolean          NOT NULL DEFAULT false,
    metric               text             NOT NULL,
    dimension            rollup_dimension NOT NULL,
    -- Null: each of them.
    key                  text,
    window_seconds       bigint           NOT NULL,
    comparison           text             NOT NULL CHECK (comparison IN ('above', 'below')),
    threshold            float8           NOT NULL,
    clear_threshold      float8           NOT NULL,
    minimum_volume       bigint           NOT NULL,
    for_seconds          bigint           NOT NULL,
    keep_firing_seconds  bigint           NOT NULL,
    cooldown_seconds     bigint           NOT NULL,
    severity             alert_severity   NOT NULL,
    channels             uuid[]           NOT NULL,
    created_at           timestamptz      NOT NULL DEFAULT now(),
    updated_at           timestamptz      NOT NULL DEFAULT now()
);

INSERT INTO alert_rules (id, name, enabled, builtin, metric, dimension, key, window_seconds, comparison, threshold,
    clear_threshold, minimum_volume, for_seconds, keep_firing_seconds, cooldown_seconds, severity, channels)
VALUES
    ('01930000-0000-7000-8000-000000000001', 'Mostly negative', true, true, 'negative_share', 'overall', NULL,
        300, 'above', 0.5, 0.5, 20, 0, 0, 60, 'warning', '{}'),
    ('01930000-0000-7000-8000-000000000002', 'Mostly negative about a product', true, true, 'negative_share', 'product',
        NULL, 300, 'above', 0.5, 0.5, 20, 0, 0, 60, 'warning', '{}'),
    -- A burst that starts again is news at once: somebody is leaving now.
    ('01930000-0000-7000-8000-000000000003', 'Customers about to leave', true, true, 'churn_high', 'product',
        NULL, 300, 'above', 0, 0, 0, 0, 300, 0, 'warning', '{}');

CREATE TABLE silences (
    id          uuid        PRIMARY KEY,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    rule_id     uuid,
    dimension   rollup_dimension,
    severity    alert_severity,
    key         text,
    comment     text        NOT NULL
);

-- Only those that are not over are ever asked for, apart from the list of all.
CREATE INDEX silences_ends_at ON silences (ends_at);

-- How far each series, that is a rule and a scope, has come. One that is at rest has no row.
CREATE TABLE alert_series (
    rule_id      uuid             NOT NULL REFERENCES alert_rules (id) ON DELETE CASCADE,
    dimension    rollup_dimension NOT NULL,
    key          text             NOT NULL,
    phase        text             NOT NULL CHECK (phase IN ('inactive', 'pending', 'firing', 'recovering')),
    since        timestamptz      NOT NULL,
    resolved_at  timestamptz,
    -- When it opened of late, oldest first.
    openings     timestamptz[]    NOT NULL DEFAULT '{}',
    flapping     boolean          NOT NULL DEFAULT false,
    -- Its open alert.
    alert        uuid,
    PRIMARY KEY (rule_id, dimension, key)
);

-- What happened to an alert: either a phase it entered or what was done with it.
CREATE TABLE alert_history (
    id      bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    alert   uuid        NOT NULL REFERENCES sentiment_alerts (id) ON DELETE CASCADE,
    at      timestamptz NOT NULL,
    phase   text,
    action  text,
    value   float8      NOT NULL,
    CHECK ((phase IS NULL) <> (action IS NULL))
);

CREATE INDEX alert_history_alert ON alert_history (alert, id);

ALTER TABLE sentiment_alerts
    -- Not a reference: an alert outlives its rule. Null for a signal that nobody configured.
    ADD COLUMN rule_id        uuid,
    ADD COLUMN rule_name      text,
    ADD COLUMN metric         text,
    ADD COLUMN phase          text    NOT NULL DEFAULT 'firing' CHECK (phase IN ('firing', 'recovering', 'resolved')),
    ADD COLUMN silenced       boolean NOT NULL DEFAULT false,
    ADD COLUMN inhibited_by   uuid,
    ADD COLUMN flapping       boolean NOT NULL DEFAULT false,
    ADD COLUMN evidence       jsonb,
    ADD COLUMN channels       uuid[]  NOT NULL DEFAULT '{}',
    -- The alert in whose name people were told of this one: itself, or another of its rule that fired with it. Null while
    -- nobody was told.
    ADD COLUMN told_as        uuid,
    -- How loud it was when people were told.
    ADD COLUMN told_severity  alert_severity,
    -- Whether people were told that it is over.
    ADD COLUMN told_over      boolean NOT NULL DEFAULT false;

-- Alerts from before belong to the rules that were built in then.
UPDATE sentiment_alerts SET phase = 'resolved' WHERE state = 'resolved';
UPDATE sentiment_alerts AS alert SET rule_id = seeded.id, rule_name = seeded.name, metric = seeded.metric
FROM alert_rules AS seeded
WHERE seeded.id = CASE
    WHEN alert.rule = 'churn' THEN '01930000-0000-7000-8000-000000000003'::uuid
    WHEN alert.dimension = 'overall' THEN '01930000-0000-7000-8000-000000000001'::uuid
    ELSE '01930000-0000-7000-8000-000000000002'::uuid END;
INSERT INTO alert_history (alert, at, phase, value) SELECT id, opened_at, 'firing', value FROM sentiment_alerts;
INSERT INTO alert_history (alert, at, phase, value)
    SELECT id, resolved_at, 'resolved', value FROM sentiment_alerts WHERE resolved_at IS NOT NULL;
INSERT INTO alert_series (rule_id, dimension, key, phase, since, openings, alert)
    SELECT rule_id, dimension, key, 'firing', opened_at, ARRAY[opened_at], id FROM sentiment_alerts
    WHERE state = 'open' AND rule <> 'churn';

-- However often a series is judged, it is open once. Two rules of one kind may be open for the same scope.
CREATE UNIQUE INDEX sentiment_alerts_open_series ON sentiment_alerts
    (rule, coalesce(rule_id, '00000000-0000-0000-0000-000000000000'), coalesce(metric, ''), dimension, key)
    WHERE state = 'open';
DROP INDEX sentiment_alerts_open;

-- Those that people were told of and not yet told that they are over.
CREATE INDEX sentiment_alerts_untold ON sentiment_alerts (told_as)
    WHERE state = 'resolved' AND told_as IS NOT NULL AND NOT told_over;

-- Posts that may go far, few of all, so that a rule about them never reads the others.
CREATE INDEX sentiment_analysis_viral ON sentiment_analysis (created_at) INCLUDE (uuid, virality) WHERE virality >= 60;
