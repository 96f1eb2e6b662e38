-- Who looks for what is unusual holds an advisory lock, which goes with its connection; nobody has to wait for a time to
-- run out.
-- contract: the lock comes with this version, and no earlier release had the columns.

ALTER TABLE signal_settings DROP COLUMN watcher, DROP COLUMN watched_until;
