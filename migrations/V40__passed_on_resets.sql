-- A link that an admin passes on stands beside the one that is mailed: anyone may ask for the mailed one, which must not end
-- the other. Both are in the row of the account, because using one, and whatever else ends access, deletes both, also in
-- processes of the previous version. Those know only the mailed link.
ALTER TABLE password_resets
    ADD COLUMN passed_on_digest     bytea,
    ADD COLUMN passed_on_expires_at timestamptz,
    -- Null if there is no mailed link.
    ALTER COLUMN digest     DROP NOT NULL,
    ALTER COLUMN expires_at DROP NOT NULL;

CREATE UNIQUE INDEX password_resets_passed_on_digest ON password_resets (passed_on_digest);
