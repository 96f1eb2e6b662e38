import type { Schemas } from '@/api/wire';

export type Topic = Schemas['Topic'];
export type NewTopic = Schemas['NewTopic'];
export type TopicKind = Schemas['TopicKind'];
export type TopicQueryCheck = Schemas['TopicQueryCheck'];
export type TopicQueryError = Schemas['TopicQueryError'];
export type TopicPreview = Schemas['TopicPreview'];
export type TopicPost = TopicPreview['items'][number];

/** Part of a query, in Unicode code points. */
export type Span = Schemas['Span'];

/** In the order in which they are offered. */
export const KINDS = [
  'product',
  'brand',
  'competitor',
  'person',
  'event',
  'issue',
] as const satisfies TopicKind[];

/** The server's limit on the length of a query, in code points. */
export const QUERY_CHARACTERS_MAX = 4_096;
