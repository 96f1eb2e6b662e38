-- What a network issued so that its posts can be heard, encrypted.
ALTER TABLE sources ADD COLUMN sealed_credentials bytea;
