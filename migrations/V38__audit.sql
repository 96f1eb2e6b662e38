-- Who did what, to what, from where, and when. A row never changes: `audit_chain` links rows instead of numbering them.

-- `payload` is `json` rather than `jsonb`, because it keeps the text byte for byte, and the seal covers the text. `seal` is
-- a keyed hash of all other columns, made by the process that inserted the row; `sealed_by` is the fingerprint of its key.
CREATE TABLE audit_logs (
    id         uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    action     text        NOT NULL,
    actor_kind text        NOT NULL,
    actor_id   text,
    actor_name text,
    object     text,
    ip_address inet,
    payload    json        NOT NULL,
    seal       bytea       NOT NULL,
    sealed_by  text        NOT NULL,
    PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);

CREATE TABLE audit_logs_default PARTITION OF audit_logs DEFAULT;

CREATE INDEX audit_logs_actor ON audit_logs (actor_id, created_at);
CREATE INDEX audit_logs_object ON audit_logs (object, created_at);

-- Rows that are not part of the chain yet, in the order in which they were inserted.
CREATE TABLE audit_unchained (
    position   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL,
    id         uuid        NOT NULL
);

-- The chain: one link a row, numbered without gaps. `hash` is a keyed hash of the link and of the hash before it.
CREATE TABLE audit_chain (
    seq        bigint      PRIMARY KEY,
    created_at timestamptz NOT NULL,
    id         uuid        NOT NULL,
    seal       bytea       NOT NULL,
    linked_by  text        NOT NULL,
    hash       bytea       NOT NULL
);

-- Finds the position of an entry, and refuses to chain an entry twice.
CREATE UNIQUE INDEX audit_chain_id ON audit_chain (id);

-- Signed statements about the end of the chain (`head`) or about its start after old rows expired (`tombstone`).
CREATE TABLE audit_checkpoints (
    seq            bigint      NOT NULL,
    kind           text        NOT NULL,
    created_at     timestamptz NOT NULL,
    hash           bytea       NOT NULL,
    expired_before timestamptz,
    public_key     bytea       NOT NULL,
    signature      bytea       NOT NULL,
    PRIMARY KEY (seq, kind, created_at)
);

-- Refuses changes, except what the maintenance does in a transaction that says so. The owner of the tables can switch
-- this off; the chain shows what was done then.
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('groundswell.audit_maintenance', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_logs_append_only BEFORE UPDATE OR DELETE ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_logs_no_truncate BEFORE TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_chain_append_only BEFORE UPDATE OR DELETE ON audit_chain
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_checkpoints_append_only BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_checkpoints_no_truncate BEFORE TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
