-- The words of new posts are merged into the full-text index in the background, so the list in which they wait may be
-- longer: no transaction that stores posts should have to merge it.
DO $$
DECLARE leaf regclass;
BEGIN
    FOR leaf IN
        SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'social_media_posts_text'::regclass
    LOOP
        EXECUTE format('ALTER INDEX %s SET (gin_pending_list_limit = 4096)', leaf);
    END LOOP;
END $$;
