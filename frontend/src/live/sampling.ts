/** About as fast as a person can skim. */
const SHOWN_PER_SECOND = 2;

/** The pipeline works in batches, so short bursts are shown completely. */
const BURST = 8;

/** The ratio is averaged over a few seconds, so that the text above the list does not flicker. */
const PERIOD_MS = 4_000;

/** A token bucket, with counts of seen and shown posts. */
export interface Sampling {
  tokens: number;
  at: number;
  periodFrom: number | null;
  seen: number;
  shown: number;
  /** Posts received for each one shown, in the last complete period; null before that. */
  oneIn: number | null;
}

export const freshSampling: Sampling = {
  tokens: BURST,
  at: 0,
  periodFrom: null,
  seen: 0,
  shown: 0,
  oneIn: null,
};

/** Returns the number of stored posts for each one shown; `feedShare` is the share that the server sent. */
export function storedPerShown(sampling: Sampling, feedShare: number): number {
  const oneIn = sampling.oneIn ?? ratio(sampling);
  return Math.round(oneIn / Math.min(1, Math.max(feedShare, 1e-4)));
}

/** Decides whether to show a post. Uses the frame's time, so that a replay samples the same posts. */
export function admit(sampling: Sampling, at: number): { sampling: Sampling; shown: boolean } {
  const now = Number.isFinite(at) ? Math.max(at, sampling.at) : sampling.at;
  const refilled = ((now - sampling.at) / 1_000) * SHOWN_PER_SECOND;
  const tokens = Math.min(BURST, sampling.tokens + refilled);
  const shown = tokens >= 1;
  const next = {
    ...sampling,
    tokens: shown ? tokens - 1 : tokens,
    at: now,
    seen: sampling.seen + 1,
    shown: sampling.shown + (shown ? 1 : 0),
  };
  return { sampling: closePeriod(next), shown };
}

function closePeriod(sampling: Sampling): Sampling {
  if (sampling.periodFrom === null) return { ...sampling, periodFrom: sampling.at };
  if (sampling.at - sampling.periodFrom < PERIOD_MS) return sampling;
  return {
    ...sampling,
    periodFrom: sampling.at,
    seen: 0,
    shown: 0,
    oneIn: ratio(sampling),
  };
}

function ratio({ seen, shown }: Sampling): number {
  return Math.max(1, seen / Math.max(1, shown));
}
