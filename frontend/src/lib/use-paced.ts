import { useEffect, useRef, useState } from 'react';

interface Pace {
  everyMs: number;
  /** Follows at once, such as when the page is paused. */
  isUrgent: boolean;
}

/**
 * Returns a value that follows `value` at most once per interval; several changes within one become one.
 *
 * The first change after an urgent value is shown at once.
 */
export function usePaced<Value>(value: Value, { everyMs, isUrgent }: Pace): Value {
  const [shown, setShown] = useState(value);
  const shownAt = useRef(-Infinity);
  // Otherwise an earlier value would return when the urgency ends.
  if (isUrgent && shown !== value) setShown(value);
  useEffect(() => {
    if (isUrgent) {
      shownAt.current = -Infinity;
      return;
    }
    const show = () => {
      shownAt.current = performance.now();
      setShown(value);
    };
    const timer = setTimeout(show, Math.max(0, shownAt.current + everyMs - performance.now()));
    return () => clearTimeout(timer);
  }, [value, everyMs, isUrgent]);
  return isUrgent ? value : shown;
}
