-- Source in `sources` that heard or received the post; null if it came another way. Not a foreign key, because posts outlive
-- their sources.
ALTER TABLE social_media_posts ADD COLUMN connector uuid;
