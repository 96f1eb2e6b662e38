-- People with accounts. The email address is stored in lower case. `hashed_secret` is a password hash in PHC format. An
-- archived account stays, because what a person did names it; its address is free again.
CREATE TABLE users (
    id              uuid        PRIMARY KEY,
    email           text        NOT NULL,
    name            text,
    hashed_secret   text        NOT NULL,
    plan            text        NOT NULL,
    rbac_roles      text[]      NOT NULL,
    is_active       boolean     NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    last_sign_in_at timestamptz,
    archived_at     timestamptz,
    CHECK (cardinality(rbac_roles) > 0)
);

CREATE UNIQUE INDEX users_email ON users (email) WHERE archived_at IS NULL;

-- Invitations to create an account. `digest` is the SHA-256 of a secret with 256 random bits. An accepted or revoked
-- invitation is deleted.
CREATE TABLE invitations (
    id         uuid        PRIMARY KEY,
    email      text        NOT NULL,
    plan       text        NOT NULL,
    rbac_roles text[]      NOT NULL,
    digest     bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text,
    expires_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX invitations_email ON invitations (email);
CREATE UNIQUE INDEX invitations_digest ON invitations (digest);

-- Links that set a new password. At most one per account: a newer one replaces the older.
CREATE TABLE password_resets (
    user_id    uuid        PRIMARY KEY REFERENCES users,
    digest     bytea       NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Since when the account was mailed how many links; null if an admin made the only one.
    period_began_at timestamptz,
    n_requests      integer NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX password_resets_digest ON password_resets (digest);
