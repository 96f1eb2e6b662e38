import { SnapshotBuilder } from '@/live/delta';
import type { DeltaFrame, ServerFrame, Subscribed } from '@/live/frames';
import { advance, START, type Position } from '@/live/position';

interface RecoveryParams {
  onFrame: (frame: ServerFrame) => void;
  onGap: () => void;
  /** A patch arrived for a snapshot that we do not hold, so a complete one is needed. */
  onLost: () => void;
}

/** Turns many connections into one sequence: each frame once, complete and in order, and every gap reported. */
export class Recovery {
  readonly #params: RecoveryParams;
  readonly #snapshots = new SnapshotBuilder();
  #position: Position = START;
  /** Whether we resumed and the server has not yet said if it can recover what we missed. */
  #isResuming = false;
  #isRequested = false;

  constructor(params: RecoveryParams) {
    this.#params = params;
  }

  /** The ID to resume from. */
  get since(): string | null {
    return this.#position.since;
  }

  /** Called when a connection opens and subscribes from `since`. */
  connected(): void {
    this.#isResuming = this.#position.since !== null;
    this.#isRequested = false;
    this.#snapshots.forget();
  }

  receive(frame: ServerFrame | DeltaFrame): void {
    if (frame.event === 'subscribed') this.#subscribed(frame.data);
    // Frames sent before the subscription have newer IDs and would hide the missed ones.
    else if (this.#isResuming && typeof frame.feed === 'string') return;
    if (frame.event === 'metrics:delta') this.#patch(frame);
    else this.#pass(frame);
  }

  #subscribed({ recovered, since }: Subscribed): void {
    const wasResuming = this.#isResuming;
    this.#isResuming = false;
    if (wasResuming && recovered) return;
    if (wasResuming) {
      this.#position = START;
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
    // More patches arrive before the snapshot does; request it once.
    if (this.#isRequested) return;
    this.#isRequested = true;
    this.#params.onLost();
  }

  #pass(frame: ServerFrame): void {
    if (frame.event === 'metrics:initial' || frame.event === 'metrics:update') {
      this.#isRequested = false;
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
