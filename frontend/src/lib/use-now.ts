import { useEffect, useState } from 'react';

/** Returns the current time and rerenders the component every `everyMs`; a page that is paused passes the time at which it was. */
export function useNow(everyMs: number, pausedAt: number | null = null): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (pausedAt !== null) return;
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, pausedAt]);
  return pausedAt ?? now;
}
