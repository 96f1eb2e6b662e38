import type { LeftOutEffect, SourceNetwork, SourceQuery } from '@/features/sources/api/wire';

const EFFECTS: Record<LeftOutEffect, string> = {
  wider: 'More posts arrive than concern the topic.',
  missing: 'Posts may be missing.',
  nothing: 'Nothing is missing.',
};

/** What follows from leaving a part of a topic out, as a sentence. */
export const describeEffect = (effect: LeftOutEffect) => EFFECTS[effect];

/** Where a query comes from: `for Nimbrel, Vexa`. */
export function describeOrigin({ is_own, topics }: SourceQuery): string {
  const parts = [
    is_own ? 'of this source' : '',
    topics.length > 0 ? `for ${topics.join(', ')}` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** A query as people write it. */
export function writeQuery(network: SourceNetwork, query: string): string {
  return network === 'mastodon' ? `#${query}` : query;
}
