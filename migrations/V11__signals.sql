-- How readily people are told of changes for which nobody configured a rule, and which process looks for them.

CREATE TABLE signal_settings (
    singleton       boolean      PRIMARY KEY DEFAULT true CHECK (singleton),
    sensitivity     text         NOT NULL CHECK (sensitivity IN ('off', 'low', 'balanced', 'high')),
    minimum_volume  integer      NOT NULL,
    -- Who looks, and until when nobody else does.
    watcher         uuid,
    watched_until   timestamptz  NOT NULL DEFAULT '-infinity'
);

INSERT INTO signal_settings (sensitivity, minimum_volume) VALUES ('balanced', 30);
