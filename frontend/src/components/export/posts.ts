import type { ScoredPost } from '@/api/wire';
import type { CsvTable } from '@/lib/csv';

/** Returns posts as a table, under the names of the server's export. */
export function tableOfPosts(posts: readonly ScoredPost[]): CsvTable {
  return {
    heads: [
      'uuid',
      'platform',
      'created_at',
      'source',
      'text',
      'author_handle',
      'author_followers',
      'city',
      'products',
      'channel',
      'url',
      'sentiment',
      'sentiment_score',
      'emotion',
      'toxicity',
      'churn_risk',
      'virality',
    ],
    rows: posts.map(({ post, score }) => [
      post.uuid,
      post.platform,
      post.created_at,
      post.source,
      post.text,
      post.author?.handle ?? null,
      post.author?.followers ?? null,
      post.city ?? null,
      post.products.join('; '),
      post.channel ?? null,
      post.url ?? null,
      score.sentiment.label,
      score.sentiment.score,
      score.emotion.label,
      score.toxicity,
      score.churn_risk,
      score.virality,
    ]),
  };
}
