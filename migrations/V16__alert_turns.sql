-- Deleting a rule locked its row against whoever evaluates, who holds it until its transaction ends, so people waited for
-- a turn. Nothing refers to rules any more: whoever evaluates removes the series of rules that are gone.
ALTER TABLE alert_series DROP CONSTRAINT alert_series_rule_id_fkey;

-- What the last evaluation of the rules did, and what it left for later: one row, so that every process can show it.
CREATE TABLE alert_turns (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    report    jsonb   NOT NULL
);
