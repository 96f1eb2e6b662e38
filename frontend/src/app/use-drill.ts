import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { searchBehind, type Behind, type Drill } from '@/lib/drill';
import type { View } from '@/lib/view';

/** Links figures to the posts behind them. `open` reads the latest view when called, so that its identity is stable. */
export function useDrill(view: View, window: { from: string; to: string } | undefined): Drill {
  const navigate = useNavigate();
  const searchOf = useCallback(
    (behind: Behind) => (window === undefined ? {} : searchBehind(view, window, behind)),
    [view, window],
  );
  const latest = useRef(searchOf);
  useEffect(() => {
    latest.current = searchOf;
  }, [searchOf]);
  const open = useCallback(
    (behind: Behind) => void navigate({ to: '/explore', search: latest.current(behind) }),
    [navigate],
  );
  return useMemo(() => ({ searchOf, open }), [searchOf, open]);
}
