import { useCallback, useMemo, useState } from 'react';
import type { Arrangement } from '@/features/panels/model/arrangement';

/** A change of the arrangement while it is customised. */
export interface Customising {
  draft: Arrangement;
  /** What changed last, for screen readers. */
  announcement: string;
  change: (draft: Arrangement, announcement: string) => void;
  finish: () => void;
  cancel: () => void;
}

interface CustomisingParams {
  arrangement: Arrangement;
  save: (arrangement: Arrangement) => void;
}

/** The draft of an arrangement from “Customise” to “Done” or “Cancel”; null otherwise. */
export function useCustomising({ arrangement, save }: CustomisingParams) {
  const [state, setState] = useState<Pick<Customising, 'draft' | 'announcement'> | null>(null);
  const start = useCallback(
    () => setState({ draft: arrangement, announcement: 'Customising panels.' }),
    [arrangement],
  );
  const change = useCallback<Customising['change']>(
    (draft, announcement) => setState({ draft, announcement }),
    [],
  );
  const cancel = useCallback(() => setState(null), []);
  const customising = useMemo<Customising | null>(() => {
    if (state === null) return null;
    const finish = () => {
      save(state.draft);
      setState(null);
    };
    return { ...state, change, finish, cancel };
  }, [state, save, change, cancel]);
  return { customising, start };
}
