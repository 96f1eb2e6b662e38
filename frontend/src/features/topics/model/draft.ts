import {
  QUERY_CHARACTERS_MAX,
  type NewTopic,
  type Topic,
  type TopicKind,
} from '@/features/topics/api/wire';
import { formatCount } from '@/lib/format';
import type { Problems } from '@/lib/use-editor';

/** A topic as its form holds it. */
export interface TopicDraft {
  name: string;
  kind: TopicKind;
  /** Null until the person chooses; until then, the kind decides. */
  isOurs: boolean | null;
  /** Null until the person chooses; until then, `isOurs` decides. */
  tracksChurn: boolean | null;
  query: string;
  enabled: boolean;
}

export const NEW_DRAFT: TopicDraft = {
  name: '',
  kind: 'product',
  isOurs: null,
  tracksChurn: null,
  query: '',
  enabled: true,
};

export function toDraft(topic: Topic): TopicDraft {
  return {
    name: topic.name,
    kind: topic.kind,
    isOurs: topic.is_ours,
    tracksChurn: topic.tracks_churn,
    // Text fields have no other line ends, and positions are counted in the text that is sent.
    query: topic.query.replace(/\r\n?/g, '\n'),
    enabled: topic.enabled,
  };
}

/** Whether a topic is about ourselves: as chosen, or by its kind as on the server. */
export function isOurs({ isOurs, kind }: TopicDraft): boolean {
  return isOurs ?? (kind === 'product' || kind === 'brand');
}

/** Whether posts that suggest churn may open alerts: as chosen, or if the topic is about ourselves. */
export function tracksChurn(draft: TopicDraft): boolean {
  return draft.tracksChurn ?? isOurs(draft);
}

/** The topic to save, and what is wrong with it. The server checks the query. */
export function readDraft(draft: TopicDraft): { value: NewTopic; problems: Problems } {
  const name = draft.name.trim();
  const problems: Problems = {};
  if (name === '') problems['name'] = 'Enter a name.';
  if (draft.query.trim() === '') problems['query'] = 'Enter a query.';
  else if ([...draft.query].length > QUERY_CHARACTERS_MAX) {
    problems['query'] = `Shorten the query to ${formatCount(QUERY_CHARACTERS_MAX)} characters.`;
  }
  const value: NewTopic = {
    name,
    kind: draft.kind,
    is_ours: isOurs(draft),
    tracks_churn: tracksChurn(draft),
    query: draft.query,
    enabled: draft.enabled,
  };
  return { value, problems };
}

/** The part of a topic that people write. */
export function contentOf(topic: Topic): NewTopic {
  const { name, kind, is_ours, tracks_churn, query, enabled } = topic;
  return { name, kind, is_ours, tracks_churn, query, enabled };
}
