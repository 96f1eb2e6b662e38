-- Secret that verifies the deliveries to a webhook source, encrypted. Sources that hear networks have none.
ALTER TABLE sources ADD COLUMN sealed_secret bytea;
