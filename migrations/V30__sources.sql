-- Sources: what is heard on a network, and how far. One process at a time runs a source, which holds its lease.
CREATE TABLE sources (
    id           uuid PRIMARY KEY,
    network      text NOT NULL,
    name         text NOT NULL,
    -- Settings of the network, as its connector defines them.
    settings     jsonb NOT NULL,
    paused       boolean NOT NULL DEFAULT false,
    state        text NOT NULL,
    -- Why it is in this state, in words.
    reason       text,
    -- Position up to which all posts are in the stream, as the network's connector defines it.
    checkpoint   jsonb,
    lag_seconds  double precision,
    last_post_at timestamptz,
    offered      bigint NOT NULL DEFAULT 0,
    stored       bigint NOT NULL DEFAULT 0,
    rejected     bigint NOT NULL DEFAULT 0,
    erased       bigint NOT NULL DEFAULT 0,
    -- Grows whenever a person changes the source, so that the process that runs it starts it anew, and reports of the
    -- earlier run are refused.
    revision     bigint NOT NULL DEFAULT 1,
    lease_holder uuid,
    leased_until timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    -- Name of the person who last changed it, as given.
    updated_by   text
);
CREATE UNIQUE INDEX sources_name ON sources (lower(name));

-- Periods of which posts may be missing, because the network no longer had them.
CREATE TABLE source_gaps (
    source_id   uuid NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    from_time   timestamptz NOT NULL,
    to_time     timestamptz NOT NULL,
    reason      text NOT NULL,
    declared_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, from_time, to_time)
);
