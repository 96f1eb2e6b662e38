-- Notes that people attach to a point or a span of time, such as a launch or a campaign. A deleted note keeps its row for
-- a day, so that whoever deleted it can restore it as it was.
CREATE TABLE annotations (
    id          uuid        PRIMARY KEY,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz,
    deleted_at  timestamptz,
    text        text        NOT NULL,
    product     text,
    created_by  text
);

-- Charts ask for the notes of a range.
CREATE INDEX annotations_starts_at ON annotations (starts_at);
