import { SnapshotBuilder } from '@/live/delta';
import type { DeltaFrame, ServerFrame, Subscribed } from '@/live/frames';
import { advance, nowhere, type Position } from '@/live/position';

interface RecoveryParams {
  onFrame: (frame: ServerFrame) => void;
  onGap: () => void;
  /** A patch came for figures that we do not hold: whole ones are needed. */
  onLost: () => void;
}

/**
 * Makes one sequence out of many connections: each frame once, in order, whole, and no gap in silence.
 */
export class Recovery {
  readonly #params: RecoveryParams;
  readonly #snapshots = new SnapshotBuilder();
  #position: Position = nowhere;
  /** We came back, and the server has not yet said whether it can tell us what we missed. */
  #isUndecided = false;
  #isAsking = false;

  constructor(params: RecoveryParams) {
    this.#params = params;
  }

  /** What to come back with. */
  get since(): string | null {
    return this.#position.since;
  }

  /** A connection was opened, and subscribes with `since`. */
  connected(): void {
    this.#isUndecided = this.#position.since !== null;
    this.#isAsking = false;
    this.#snapshots.forget();
  }

  receive(frame: ServerFrame | DeltaFrame): void {
    if (frame.event === 'subscribed') this.#subscribed(frame.data);
    // What is sent to a client that has said nothing yet would hide what it missed: its ids are newer.
    else if (this.#isUndecided && typeof frame.feed === 'string') return;
    if (frame.event === 'metrics:delta') this.#patch(frame);
    else this.#pass(frame);
  }

  #subscribed({ recovered, since }: Subscribed): void {
    const isReturn = this.#isUndecided;
    this.#isUndecided = false;
    if (isReturn && recovered) return;
    if (isReturn) {
      this.#position = nowhere;
      this.#params.onGap();
    }
    if (this.#position.since === null) this.#position = { since: since ?? null, seen: {} };
  }

  #patch(frame: DeltaFrame): void {
    const { id, ts, base, data } = frame;
    const snapshot = this.#snapshots.patch(id, base, data);
    if (snapshot !== null) {
      this.#deliver({ event: 'metrics:update', feed: 'metrics', id, ts, data: snapshot });
      return;
    }
    // Patches keep coming until the answer is here; asking once is enough.
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#params.onLost();
  }

  #pass(frame: ServerFrame): void {
    if (frame.event === 'metrics:initial' || frame.event === 'metrics:update') {
      this.#isAsking = false;
      this.#snapshots.keep(frame.id, frame.data);
    }
    this.#deliver(frame);
  }

  #deliver(frame: ServerFrame): void {
    const { position, isNew } = advance(this.#position, frame);
    this.#position = position;
    if (isNew) this.#params.onFrame(frame);
  }
}
