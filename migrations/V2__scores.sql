-- What the models say about posts.

-- Scores name their model by a small number, so that a score's row stays narrow.
CREATE TABLE models (
    id       smallint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name     text     NOT NULL,
    version  text     NOT NULL,
    hash     text     NOT NULL,
    UNIQUE (name, version, hash)
);

-- One current row for each post. `revision` counts how often the post was scored.
CREATE TABLE sentiment_analysis (
    uuid         uuid            NOT NULL,
    created_at   timestamptz     NOT NULL,
    score        real            NOT NULL,
    confidence   real            NOT NULL,
    anger        real            NOT NULL,
    disgust      real            NOT NULL,
    fear         real            NOT NULL,
    joy          real            NOT NULL,
    neutral      real            NOT NULL,
    sadness      real            NOT NULL,
    surprise     real            NOT NULL,
    toxicity     real            NOT NULL,
    churn_risk   real            NOT NULL,
    virality     real            NOT NULL,
    label        sentiment_label NOT NULL,
    emotion      emotion_label   NOT NULL,
    model        smallint        NOT NULL,
    revision     smallint        NOT NULL DEFAULT 1,
    PRIMARY KEY (uuid, created_at)
) PARTITION BY RANGE (created_at);

CREATE TABLE sentiment_analysis_default PARTITION OF sentiment_analysis DEFAULT;
