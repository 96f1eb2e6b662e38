-- Reports that are sent by mail on a schedule.

CREATE TABLE reports (
    id                    uuid         PRIMARY KEY,
    name                  text         NOT NULL,
    enabled               boolean      NOT NULL,
    cadence               text         NOT NULL CHECK (cadence IN ('daily', 'weekly', 'monthly')),
    -- Read only by weekly reports.
    weekday               text         NOT NULL,
    -- Read only by monthly reports. In a month without this day, the last day counts.
    day                   smallint     NOT NULL CHECK (day BETWEEN 1 AND 31),
    hour                  smallint     NOT NULL CHECK (hour BETWEEN 0 AND 23),
    minute                smallint     NOT NULL CHECK (minute BETWEEN 0 AND 59),
    tz                    text         NOT NULL,
    filter                jsonb        NOT NULL,
    -- The recipients. A channel that a report uses cannot be deleted.
    notification_channel  uuid         NOT NULL REFERENCES notification_channels (id),
    created_by            text,
    created_at            timestamptz  NOT NULL,
    updated_at            timestamptz  NOT NULL,
    -- Null while the report is disabled. A process that turns a due report into a run moves this on in the same statement
    -- sequence, and only if it still has the value that it read: so each due time has one run.
    next_at               timestamptz
);

CREATE INDEX reports_next ON reports (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX reports_channel ON reports (notification_channel);

-- One sending of a report. The documents are stored before they are sent, so that every attempt sends the same ones.
CREATE TABLE report_runs (
    id               uuid         PRIMARY KEY,
    report           uuid         NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
    -- Null if a person asked for it.
    due_at           timestamptz,
    period_from      timestamptz  NOT NULL,
    period_to        timestamptz  NOT NULL,
    state            text         NOT NULL CHECK (state IN ('pending', 'sent', 'failed')),
    n_attempts       integer      NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz  NOT NULL,
    -- A process that holds the lease works on the run; after `leased_until`, any process may.
    lease            uuid,
    leased_until     timestamptz  NOT NULL,
    error            text,
    pdf_error        text,
    created_at       timestamptz  NOT NULL,
    sent_at          timestamptz,
    page             text,
    mail             text,
    plain            text,
    pdf              bytea
);

CREATE UNIQUE INDEX report_runs_due ON report_runs (report, due_at) WHERE due_at IS NOT NULL;
-- At most one run that a person asked for waits at a time.
CREATE UNIQUE INDEX report_runs_requested ON report_runs (report) WHERE due_at IS NULL AND state = 'pending';
CREATE INDEX report_runs_pending ON report_runs (next_attempt_at) WHERE state = 'pending';
CREATE INDEX report_runs_newest ON report_runs (report, id);
