-- What a million posts showed: no answer reads scores by virality alone, for `sentiment_analysis_viral` finds those that go
-- far; and what few people of one city say was looked for among all that everybody says.

DROP INDEX sentiment_analysis_virality;

CREATE INDEX social_media_posts_city ON social_media_posts (city, created_at) WHERE city IS NOT NULL;
