import { useSyncExternalStore } from 'react';
import type { Alert, ScoredPost, SystemStatus } from '@/api/wire';
import {
  applyFrame,
  emptyFeed,
  withFilter,
  withHistory,
  withoutEvents,
  type Feed,
  type PostFilter,
} from '@/live/feed';
import type { ServerFrame } from '@/live/frames';
import type { Connection } from '@/live/client';

/** The state that components read. */
export interface LiveView {
  feed: Feed;
  connection: Connection;
  paused: boolean;
  /** When the view was paused, by this device's clock. */
  pausedAt: number | null;
  /** Posts that arrived since then. */
  held: number;
  /** Always current: a pause must not hide alerts. */
  alerts: readonly Alert[];
  /** Always current: a pause must not hide that the server is unwell. */
  system: SystemStatus | null;
  /** Posts stored per second, always current; null before the first figures. */
  postsPerSecond: number | null;
  /** The number of unrecoverable gaps; a change means that queries must be refetched. */
  gaps: number;
}

/**
 * Decouples the rate of frames from the rate of rendering.
 *
 * Frames update `latest` at any rate; components see a new `view` at most once per animation frame. A hidden tab gets no
 * animation frames and renders nothing.
 */
export class LiveStore {
  #latest: Feed = emptyFeed;
  #view: LiveView = {
    feed: emptyFeed,
    connection: { state: 'connecting', attempt: 0 },
    paused: false,
    pausedAt: null,
    held: 0,
    ...currentOf(emptyFeed),
    gaps: 0,
  };
  /** The page's window and filters; null before it is opened. */
  #shownView: string | null = null;
  #frameRequested = 0;
  readonly #listeners = new Set<() => void>();
  readonly #requestFrame: (flush: () => void) => number;

  constructor(requestFrame: (flush: () => void) => number = requestAnimationFrame) {
    // `requestAnimationFrame` must not be called as a method of this object.
    this.#requestFrame = (flush) => requestFrame(flush);
  }

  receive = (frame: ServerFrame): void => {
    this.#latest = applyFrame(this.#latest, frame);
    this.#schedule();
  };

  setConnection = (connection: Connection): void => {
    this.#view = { ...this.#view, connection };
    this.#notify();
  };

  /** Drops posts and alerts after a gap. The figures stay until the next snapshot. */
  restart = (): void => {
    this.#latest = withoutEvents(this.#latest);
    this.#view = { ...this.#view, gaps: this.#view.gaps + 1 };
    this.#notify();
    this.#schedule();
  };

  /**
   * Applies the filter of a view, named by `key`.
   *
   * A person who returns to the same view finds it as it was, paused or not. Another view that is opened while paused
   * is taken now, and the pause is dated accordingly.
   */
  setView(filter: PostFilter, key: string): void {
    if (key === this.#shownView) return;
    this.#shownView = key;
    if (JSON.stringify(filter) !== JSON.stringify(this.#latest.filter)) {
      this.#latest = withFilter(this.#latest, filter);
    }
    this.#view = {
      ...this.#view,
      ...currentOf(this.#latest),
      ...(this.#view.paused && { pausedAt: Date.now(), held: 0 }),
      feed: this.#latest,
    };
    this.#notify();
  }

  addHistory(history: readonly ScoredPost[]): void {
    this.#latest = withHistory(this.#latest, history);
    this.#show(withHistory(this.#view.feed, history));
  }

  setPaused(paused: boolean): void {
    if (paused === this.#view.paused) return;
    const pausedAt = paused ? Date.now() : null;
    this.#view = { ...this.#view, paused, pausedAt, held: 0, feed: this.#latest };
    this.#notify();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  view = (): LiveView => this.#view;

  #schedule(): void {
    if (this.#frameRequested === 0) this.#frameRequested = this.#requestFrame(this.#flush);
  }

  #flush = (): void => {
    this.#frameRequested = 0;
    if (!this.#view.paused) {
      this.#show(this.#latest);
      return;
    }
    const held = this.#latest.received - this.#view.feed.received;
    this.#view = { ...this.#view, ...currentOf(this.#latest), held };
    this.#notify();
  };

  #show(feed: Feed): void {
    if (feed === this.#view.feed) return;
    this.#view = { ...this.#view, ...currentOf(this.#latest), feed };
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** What is shown as it is, even while paused. */
function currentOf({ alerts, system, metrics }: Feed) {
  return { alerts, system, postsPerSecond: metrics?.rate.posts_per_second ?? null };
}

export const liveStore = new LiveStore((flush) => requestAnimationFrame(flush));

/** Reads a slice of the state; the component rerenders only when the slice changes identity. */
export function useLive<Slice>(select: (view: LiveView) => Slice): Slice {
  return useSyncExternalStore(liveStore.subscribe, () => select(liveStore.view()));
}
