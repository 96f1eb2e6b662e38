import { useState } from 'react';
import { useNow } from '@/lib/use-now';

/** Milliseconds since a value last changed, by this device's clock alone: the server's may differ. */
export function useAge(value: string | null): number {
  const now = useNow(1_000);
  const [seen, setSeen] = useState({ value, at: now });
  if (seen.value !== value) setSeen({ value, at: now });
  return now - seen.at;
}
