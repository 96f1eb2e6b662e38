import { useState } from 'react';
import type { SystemStatus } from '@/api/wire';
import { nextReadings, type Readings } from '@/features/pipeline/model/throughput';

/** Keeps the reading before the newest, since a counter tells a rate only in two. */
export function useReadings(newest: SystemStatus | null): Readings {
  const [readings, setReadings] = useState<Readings>({ before: null, now: null });
  const next = nextReadings(readings, newest);
  if (next !== readings) setReadings(next);
  return next;
}
