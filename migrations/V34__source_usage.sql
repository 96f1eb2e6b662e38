-- Account that a network issued credentials to, as a hash of them. Sources of the same account share its quotas.
ALTER TABLE sources ADD COLUMN account text;

-- What was used of the allowances of networks in each period.
CREATE TABLE source_usage (
    -- Account, or id of a source that has an allowance of its own.
    holder       text        NOT NULL,
    -- Name of the allowance.
    name         text        NOT NULL,
    period_start timestamptz NOT NULL,
    period_end   timestamptz NOT NULL,
    -- What the numbers are: `micro_usd`, or `count` for what the network counts.
    unit         text        NOT NULL,
    used         bigint      NOT NULL,
    -- Allowance when it was last drawn on.
    allowed      bigint      NOT NULL,
    PRIMARY KEY (holder, name, period_start)
);
