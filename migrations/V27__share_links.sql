-- Read-only views for people without the API token.

-- `digest` is the SHA-256 of a secret with 256 random bits, so a copy of the table opens nothing. A revoked link is
-- deleted, an expired one by the maintenance.
CREATE TABLE share_links (
    id          uuid        PRIMARY KEY,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    name        text        NOT NULL,
    page        text        NOT NULL,
    query       text        NOT NULL,
    created_by  text,
    digest      bytea       NOT NULL
);

CREATE INDEX share_links_expires_at ON share_links (expires_at);
