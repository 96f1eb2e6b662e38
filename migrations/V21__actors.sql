-- Who took an action on an alert: the name that people give themselves, as there are no accounts. Null for the server's
-- own actions, and if no name was given.
ALTER TABLE alert_history ADD COLUMN actor text;
