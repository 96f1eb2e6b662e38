import type { ServerFrame } from '@/live/frames';

/** Where we stand in the server's one sequence over all feeds. Replaced, never changed in place. */
export interface Position {
  /** The id to come back with, `epoch:offset`; null before the first. */
  readonly since: string | null;
  /** The highest offset seen of each feed, within the epoch of `since`. */
  readonly seen: Readonly<Record<string, number>>;
}

export const nowhere: Position = { since: null, seen: {} };

/** Feeds whose frames say what happened, each once. The others say how things are, so that a later one replaces them. */
const EVENT_FEEDS: ReadonlySet<string> = new Set(['messages', 'alerts']);

/**
 * Takes a frame into account; `isNew` is false for one that was here before.
 *
 * Initial frames are sent before what was missed and carry the newest id: advancing by them would skip what follows.
 */
export function advance(
  position: Position,
  frame: ServerFrame,
): { position: Position; isNew: boolean } {
  const id = parseId(frame.id);
  if (id === null || typeof frame.feed !== 'string') return { position, isNew: true };
  const isSameEpoch = position.since !== null && parseId(position.since)?.epoch === id.epoch;
  const known = isSameEpoch ? position.seen[frame.feed] : undefined;
  if (EVENT_FEEDS.has(frame.feed) && known !== undefined && id.offset <= known) {
    return { position, isNew: false };
  }
  if (frame.event === 'metrics:initial' && isSameEpoch) return { position, isNew: true };
  const seen = { ...(isSameEpoch && position.seen), [frame.feed]: id.offset };
  const isNewest = !isSameEpoch || isAfter(id, position.since);
  return { position: { since: isNewest ? (frame.id ?? null) : position.since, seen }, isNew: true };
}

function isAfter(id: { offset: number }, since: string | null): boolean {
  return since === null || id.offset > (parseId(since)?.offset ?? -1);
}

/** `epoch:offset`; null for anything else. */
export function parseId(id: string | null | undefined): { epoch: string; offset: number } | null {
  const found = /^(.+):(\d+)$/.exec(id ?? '');
  const [, epoch, offset] = found ?? [];
  return epoch === undefined || offset === undefined ? null : { epoch, offset: Number(offset) };
}
