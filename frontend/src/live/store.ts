import { useSyncExternalStore } from 'react';
import type { Alert, ScoredPost } from '@/api/wire';
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

/** What the components see. */
export interface LiveView {
  feed: Feed;
  connection: Connection;
  paused: boolean;
  /** When the view was frozen, by our clock. */
  pausedAt: number | null;
  /** Posts that arrived since then and wait for the end of the pause. */
  held: number;
  /** Always the newest: a pause is for reading, and must not hide that something is wrong. */
  alerts: readonly Alert[];
  /** How often something was missed for good; whoever asked over REST asks again when it changes. */
  gaps: number;
}

/**
 * Stands between the network's clock and the screen's.
 *
 * Frames change `latest` at any rate; readers see a new `view` at most once per animation frame. A hidden tab gets no
 * animation frames, so it costs nothing and still holds no more than one feed.
 */
export class LiveStore {
  #latest: Feed = emptyFeed;
  #view: LiveView = {
    feed: emptyFeed,
    connection: { state: 'connecting', attempt: 0 },
    paused: false,
    pausedAt: null,
    held: 0,
    alerts: emptyFeed.alerts,
    gaps: 0,
  };
  #frameRequested = 0;
  readonly #listeners = new Set<() => void>();
  readonly #requestFrame: (flush: () => void) => number;

  constructor(requestFrame: (flush: () => void) => number = requestAnimationFrame) {
    // Called unbound, `requestAnimationFrame` would throw.
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

  /** Forgets what can no longer be known to be complete. The figures stay until whole ones arrive. */
  restart = (): void => {
    this.#latest = withoutEvents(this.#latest);
    this.#view = { ...this.#view, gaps: this.#view.gaps + 1 };
    this.#notify();
    this.#schedule();
  };

  setFilter(filter: PostFilter): void {
    this.#latest = withFilter(this.#latest, filter);
    // A filter is an answer to a click, so it shows even in a paused view.
    this.#show(this.#latest);
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
    const { alerts, received } = this.#latest;
    this.#view = { ...this.#view, alerts, held: received - this.#view.feed.received };
    this.#notify();
  };

  #show(feed: Feed): void {
    if (feed === this.#view.feed) return;
    this.#view = { ...this.#view, feed, alerts: this.#latest.alerts };
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The page has one connection, hence one store. */
export const liveStore = new LiveStore((flush) => requestAnimationFrame(flush));

/** Reads a slice; the component renders again only when that slice is another object or value. */
export function useLive<Slice>(select: (view: LiveView) => Slice): Slice {
  return useSyncExternalStore(liveStore.subscribe, () => select(liveStore.view()));
}
