-- Channels that also hear what is wrong with the service itself. Those there are were made for what posts say, so they do not.
ALTER TABLE notification_channels ADD COLUMN service_alerts boolean NOT NULL DEFAULT false;
