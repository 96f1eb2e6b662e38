-- What must be acted on.

CREATE TYPE alert_rule AS ENUM ('negativity', 'churn');
CREATE TYPE alert_state AS ENUM ('open', 'resolved');
CREATE TYPE alert_severity AS ENUM ('warning', 'critical');

CREATE TABLE sentiment_alerts (
    id               uuid             PRIMARY KEY,
    value            float8           NOT NULL,
    threshold        float8           NOT NULL,
    count            bigint           NOT NULL,
    opened_at        timestamptz      NOT NULL,
    updated_at       timestamptz      NOT NULL,
    resolved_at      timestamptz,
    acknowledged_at  timestamptz,
    rule             alert_rule       NOT NULL,
    dimension        rollup_dimension NOT NULL,
    state            alert_state      NOT NULL,
    severity         alert_severity   NOT NULL,
    key              text             NOT NULL,
    title            text             NOT NULL,
    -- At most 20, newest first. They are copies: an alert outlives its posts.
    posts            jsonb            NOT NULL
);

-- However many processes evaluate a rule, it is open once.
CREATE UNIQUE INDEX sentiment_alerts_open ON sentiment_alerts (rule, dimension, key) WHERE state = 'open';

CREATE INDEX sentiment_alerts_recent ON sentiment_alerts (opened_at, id);

-- The cooldown asks when a rule and scope was last resolved.
CREATE INDEX sentiment_alerts_resolved ON sentiment_alerts (rule, dimension, key, resolved_at) WHERE state = 'resolved';
