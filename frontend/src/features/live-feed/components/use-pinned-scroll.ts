import { useEffect, useLayoutEffect, useRef } from 'react';

/** At this position, and not at 0, browsers keep what is visible in its place when something is added above it. */
const TOP_PX = 1;

/**
 * Keeps a list that grows at its top scrolled to the top, unless the person has scrolled it.
 *
 * Added items appear by scrolling, a frame later, rather than by pushing the others down.
 */
export function usePinnedScroll<Item>(items: readonly Item[]) {
  const list = useRef<HTMLOListElement>(null);
  const isPinned = useRef(true);
  const isAdjusting = useRef(false);
  useLayoutEffect(() => {
    if (isPinned.current) isAdjusting.current = true;
  }, [items]);
  useEffect(() => {
    if (!isPinned.current) return;
    let frame = requestAnimationFrame(() => {
      // The browser has drawn the items in their old places.
      frame = requestAnimationFrame(() => {
        if (list.current !== null) list.current.scrollTop = TOP_PX;
        isAdjusting.current = false;
      });
    });
    return () => cancelAnimationFrame(frame);
  }, [items]);
  const onScroll = () => {
    if (isAdjusting.current || list.current === null) return;
    isPinned.current = list.current.scrollTop <= TOP_PX;
  };
  return { ref: list, onScroll };
}
