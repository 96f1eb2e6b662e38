import { useState } from 'react';
import type { SystemStatus } from '@/api/wire';
import { nextReadings, type Readings } from '@/features/pipeline/model/throughput';

/** Keeps the two latest readings, which a rate needs. */
export function useReadings(newest: SystemStatus | null): Readings {
  const [readings, setReadings] = useState<Readings>({ before: null, now: null });
  const next = nextReadings(readings, newest);
  if (next !== readings) setReadings(next);
  return next;
}
