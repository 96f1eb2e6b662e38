import type { ServerFrame } from '@/live/frames';

/** Our position in the server's sequence of frames across all feeds. Immutable. */
export interface Position {
  /** The ID to resume from, `epoch:offset`; null before the first frame. */
  readonly since: string | null;
  /** The highest offset seen in each feed, within the epoch of `since`. */
  readonly seen: Readonly<Record<string, number>>;
}

export const START: Position = { since: null, seen: {} };

/** Feeds of events, which must be delivered exactly once. In other feeds, a later frame replaces an earlier one. */
const EVENT_FEEDS: ReadonlySet<string> = new Set(['messages', 'alerts']);

/**
 * Advances the position by a frame; `isNew` is false for a duplicate.
 *
 * The initial frame is sent before the missed frames but carries the newest ID, so it does not advance the position.
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
