import { useCallback, useMemo, useState } from 'react';
import {
  DEFAULT_ARRANGEMENT,
  formatArrangement,
  isDefault,
  parseArrangement,
  type Arrangement,
} from '@/features/panels/model/arrangement';

const STORAGE_KEY = 'groundswell.panels';

interface ArrangementParams {
  /** The arrangement that the URL carries; it overrides the one of this browser. */
  shared: string | undefined;
  /** Replaces the one in the URL. */
  onShare: (arrangement: string) => void;
}

/** The panels of the page: as the URL says, else as last arranged in this browser, else the default. */
export function useArrangement({ shared, onShare }: ArrangementParams) {
  const [stored, setStored] = useState(readStored);
  const arrangement = useMemo(
    () => parseArrangement(shared) ?? parseArrangement(stored) ?? DEFAULT_ARRANGEMENT,
    [shared, stored],
  );
  const save = useCallback(
    (next: Arrangement) => {
      const text = formatArrangement(next);
      if (shared !== undefined) return onShare(text);
      setStored(isDefault(next) ? null : text);
      store(isDefault(next) ? null : text);
    },
    [shared, onShare],
  );
  return { arrangement, save };
}

function readStored(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

/** Without storage, the arrangement lasts until the page is closed. */
function store(text: string | null): void {
  try {
    if (text === null) localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, text);
  } catch {
    // See above.
  }
}
