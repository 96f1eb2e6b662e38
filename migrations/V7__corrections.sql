-- What a better model says later about a post that was scored at once.

-- Whether the label is too weak to be shown as sure.
ALTER TABLE sentiment_analysis ADD COLUMN uncertain boolean NOT NULL DEFAULT false;

-- Posts that a better model will score again. Written by the transaction that stores the post and deleted by the one
-- that corrects its score, so no death in between loses a correction, and none is applied twice.
CREATE TABLE awaiting_correction (
    uuid           uuid        PRIMARY KEY,
    created_at     timestamptz NOT NULL,
    -- When the current score was stored; goes into the history with it.
    scored_at      timestamptz NOT NULL DEFAULT now(),
    -- A process has it in hand until then. Afterwards whoever asks first takes it up.
    claimed_until  timestamptz NOT NULL,
    claims         smallint    NOT NULL DEFAULT 0
);

CREATE INDEX awaiting_correction_claimed ON awaiting_correction (claimed_until);

-- The superseded scores: one row for each post and revision. The current one is in `sentiment_analysis`.
CREATE TABLE sentiment_analysis_history (
    uuid           uuid            NOT NULL,
    created_at     timestamptz     NOT NULL,
    scored_at      timestamptz     NOT NULL,
    superseded_at  timestamptz     NOT NULL DEFAULT now(),
    score          real            NOT NULL,
    confidence     real            NOT NULL,
    anger          real            NOT NULL,
    disgust        real            NOT NULL,
    fear           real            NOT NULL,
    joy            real            NOT NULL,
    neutral        real            NOT NULL,
    sadness        real            NOT NULL,
    surprise       real            NOT NULL,
    toxicity       real            NOT NULL,
    churn_risk     real            NOT NULL,
    virality       real            NOT NULL,
    label          sentiment_label NOT NULL,
    emotion        emotion_label   NOT NULL,
    model          smallint        NOT NULL,
    revision       smallint        NOT NULL,
    uncertain      boolean         NOT NULL,
    PRIMARY KEY (uuid, revision, created_at)
) PARTITION BY RANGE (created_at);

CREATE TABLE sentiment_analysis_history_default PARTITION OF sentiment_analysis_history DEFAULT;

-- Which posts a churn alert counts, so that one whose risk turns out low is taken out of the alert that it is in and of
-- no other. An alert shows only some of its posts; this names all.
CREATE TABLE churn_alert_posts (
    uuid        uuid        NOT NULL,
    created_at  timestamptz NOT NULL,
    alert       uuid        NOT NULL,
    PRIMARY KEY (uuid, alert)
);

CREATE INDEX churn_alert_posts_alert ON churn_alert_posts (alert);
