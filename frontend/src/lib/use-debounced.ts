import { useEffect, useState } from 'react';

/** Debounces typing. */
const DEBOUNCE_MS = 400;

/** Returns the value once it has stopped changing. */
export function useDebounced(value: string | null, afterMs = DEBOUNCE_MS): string | null {
  const [debounced, setDebounced] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setDebounced(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return debounced;
}
