-- Who is told of alerts, and what they are yet to be told.

CREATE TYPE notification_kind AS ENUM ('webhook', 'slack', 'email', 'pagerduty', 'web_push');
CREATE TYPE notification_event AS ENUM ('fired', 'acknowledged', 'resolved');
CREATE TYPE notification_state AS ENUM ('pending', 'sent', 'dead');

CREATE TABLE notification_channels (
    id                uuid              PRIMARY KEY,
    created_at        timestamptz       NOT NULL DEFAULT now(),
    updated_at        timestamptz       NOT NULL DEFAULT now(),
    last_success_at   timestamptz,
    -- Since when no message arrived; null while they do.
    failing_since     timestamptz,
    -- Nothing is sent before then: the receiver asked for patience, or had something a moment ago.
    paused_until      timestamptz       NOT NULL DEFAULT now(),
    -- Until then one process sends to it, the one that knows the lease.
    leased_until      timestamptz       NOT NULL DEFAULT now(),
    lease             uuid,
    -- How long alerts gather into one message; null where each is a message of its own.
    digest_seconds    integer,
    kind              notification_kind NOT NULL,
    enabled           boolean           NOT NULL,
    name              text              NOT NULL,
    minimum_severity  text              NOT NULL,
    disabled_reason   text,
    -- What anybody may see of the settings.
    settings          jsonb             NOT NULL,
    -- The rest of them, encrypted, and the fingerprint of the key it takes to read them. The key is not in the database.
    sealed            bytea             NOT NULL,
    sealed_by         text              NOT NULL
);

-- The outbox. A row is written by the transaction that changes the alert, so no death in between loses a notification.
CREATE TABLE notifications (
    id               uuid               PRIMARY KEY,
    -- The order in which things happened to an alert.
    seq              bigint             GENERATED ALWAYS AS IDENTITY,
    channel          uuid               NOT NULL REFERENCES notification_channels ON DELETE CASCADE,
    alert            uuid               NOT NULL,
    -- What receivers know the message by; the same for every attempt, and for all that travels together. Null until it
    -- is known what does.
    message          uuid,
    created_at       timestamptz        NOT NULL DEFAULT now(),
    next_attempt_at  timestamptz        NOT NULL,
    -- Attempts on the present schedule.
    n_attempts       integer            NOT NULL DEFAULT 0,
    event            notification_event NOT NULL,
    state            notification_state NOT NULL DEFAULT 'pending',
    -- The alert as it was when this happened.
    snapshot         jsonb              NOT NULL,
    -- The newest attempts, oldest first: {"at", "status", "error", "duration_ms"}. Never what a receiver answered.
    attempts         jsonb              NOT NULL DEFAULT '[]'
);

CREATE INDEX notifications_due ON notifications (channel, next_attempt_at) WHERE state = 'pending';
CREATE INDEX notifications_of_alert ON notifications (alert, channel, seq);
CREATE INDEX notifications_of_message ON notifications (message);
CREATE INDEX notifications_recent ON notifications (created_at, id);

-- The key pair by which push services know this deployment; browsers subscribe to the public one, so it never changes.
CREATE TABLE push_keys (
    sealed_by   text  PRIMARY KEY,
    public_key  bytea NOT NULL,
    sealed      bytea NOT NULL
);
