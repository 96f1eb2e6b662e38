-- Keys and credentials of programs, and the tokens that they are exchanged for.

-- Secrets are hashed with Argon2id; a key is found by its id. `fingerprint` is the start of the SHA-256 of the secret,
-- which has 256 random bits: it refuses wrong secrets, so that the server hashes right ones only. A key acts with at
-- most the role that its owner has at that moment. Without an owner it was created by the operator, and acts as admin
-- within its scopes. A revoked or expired key stays listed until the maintenance deletes it.
CREATE TABLE api_keys (
    id            uuid        PRIMARY KEY,
    owner_id      uuid        REFERENCES users,
    name          text        NOT NULL,
    hashed_secret text        NOT NULL,
    fingerprint   bytea       NOT NULL,
    scopes        text[]      NOT NULL,
    created_at    timestamptz NOT NULL,
    created_by    text,
    expires_at    timestamptz,
    last_used_at  timestamptz,
    revoked_at    timestamptz,
    -- The key that this one replaces; both are valid until the older one expires.
    rotated_from  uuid        REFERENCES api_keys ON DELETE SET NULL
);

CREATE INDEX api_keys_owner_id ON api_keys (owner_id);
CREATE INDEX api_keys_rotated_from ON api_keys (rotated_from);

-- Calls per key and UTC day, added in batches.
CREATE TABLE api_key_usage (
    key_id   uuid   NOT NULL REFERENCES api_keys ON DELETE CASCADE,
    day      date   NOT NULL,
    n_calls  bigint NOT NULL,
    PRIMARY KEY (key_id, day)
);

-- Programs with a role of their own. The second secret is the previous one, valid until it expires.
CREATE TABLE clients (
    id                       uuid        PRIMARY KEY,
    name                     text        NOT NULL,
    hashed_secret            text        NOT NULL,
    fingerprint              bytea       NOT NULL,
    previous_hashed_secret   text,
    previous_fingerprint     bytea,
    previous_expires_at      timestamptz,
    plan                     text        NOT NULL,
    role                     text        NOT NULL,
    scopes                   text[]      NOT NULL,
    created_at               timestamptz NOT NULL,
    created_by               text,
    last_used_at             timestamptz,
    revoked_at               timestamptz
);

-- Keys that sign access tokens. The private part is sealed with the key that encrypts all secrets. A key gets the time of
-- its retirement when its successor is created: by then the last token that it signed has expired.
CREATE TABLE signing_keys (
    kid            text        PRIMARY KEY,
    algorithm      text        NOT NULL,
    public_key     bytea       NOT NULL,
    sealed_private bytea       NOT NULL,
    created_at     timestamptz NOT NULL,
    retired_at     timestamptz
);

-- A family is one sign-in. Each of its tokens is used once; using one again after the grace period ends the family.
CREATE TABLE token_families (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES users,
    scopes     text[]      NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE INDEX token_families_user_id ON token_families (user_id);

-- `digest` is the SHA-256 of a secret with 256 random bits. Used tokens are kept as long as their family, because only
-- they reveal a reuse.
CREATE TABLE refresh_tokens (
    digest    bytea       PRIMARY KEY,
    family_id uuid        NOT NULL REFERENCES token_families ON DELETE CASCADE,
    issued_at timestamptz NOT NULL,
    used_at   timestamptz
);

CREATE INDEX refresh_tokens_family_id ON refresh_tokens (family_id);
