/** How two periods of the same length are compared, wherever that is done. */
import type { Average } from '@/api/wire';

/** A difference, ready to be shown. */
export interface Difference {
  text: string;
  direction: 'up' | 'down' | 'same';
}

/** The change of a figure; null if there are too few posts to compare. */
export type Change = Difference | null;

/** With fewer posts in either period, one post more or less would look like a trend. */
export const COMPARED_MIN = 30;

/** From here on, a factor needs no decimals. */
const LARGE_FACTOR = 10;

/** `+12%`, or `×3.4` if the count at least doubled. */
export function compareCounts(now: number, before: number): Change {
  if (Math.min(now, before) < COMPARED_MIN) return null;
  const factor = now / before;
  if (factor >= LARGE_FACTOR) return { text: `×${Math.round(factor)}`, direction: 'up' };
  if (factor >= 2) return { text: `×${factor.toFixed(1)}`, direction: 'up' };
  return signed(Math.round((factor - 1) * 100), '%');
}

export interface Share {
  part: number;
  of: number;
}

/** `+3 pts`: the change of a share in percentage points. */
export function compareShares(now: Share, before: Share): Change {
  if (Math.min(now.of, before.of) < COMPARED_MIN) return null;
  const points = percent(now) - percent(before);
  return signed(points, Math.abs(points) === 1 ? ' pt' : ' pts');
}

/** Rounded as it is shown: 30% after 31% is a change of one point, whatever the decimals were. */
function percent({ part, of }: Share): number {
  return Math.round((part / of) * 100);
}

export interface Mean {
  average: Average;
  count: number;
}

/** `+0.12` on the scale from −1 to +1. */
export function compareAverages(now: Mean, before: Mean): Change {
  if (Math.min(now.count, before.count) < COMPARED_MIN) return null;
  if (typeof now.average !== 'number' || typeof before.average !== 'number') return null;
  const hundredths = Math.round(now.average * 100) - Math.round(before.average * 100);
  if (hundredths === 0) return signed(0, '');
  const text = `${hundredths < 0 ? '−' : '+'}${(Math.abs(hundredths) / 100).toFixed(2)}`;
  return { text, direction: hundredths > 0 ? 'up' : 'down' };
}

function signed(value: number, unit: string): Difference {
  if (value === 0) return { text: '±0', direction: 'same' };
  const text = `${value > 0 ? '+' : '−'}${Math.abs(value)}${unit}`;
  return { text, direction: value > 0 ? 'up' : 'down' };
}
