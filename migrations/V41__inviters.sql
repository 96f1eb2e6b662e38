-- The person who created an invitation, which ends when that person is no longer an administrator. Null for invitations of
-- the operator and of programs that belong to nobody, and for those of earlier versions.
ALTER TABLE invitations ADD COLUMN invited_by uuid REFERENCES users;
