import { createContext, useCallback, useEffect, useRef } from 'react';

/** What the figures of a page cover. */
export interface ExportScope {
  /** `last 60 seconds`; empty for a custom period. */
  span: string;
  from: string;
  to: string;
  /** The time zone of the page. */
  zone: string;
  /** The filters in words: `product Nimbrel Buds`. */
  filters: readonly string[];
}

/** Returns what the page covers now. */
export type ReadScope = () => ExportScope | null;

/** Without it, panels cannot be exported. A function, so that a moving window does not rerender every panel. */
export const ExportContext = createContext<ReadScope | null>(null);

/** Returns a reader of the latest scope for [`ExportContext`]; null while nothing is loaded. */
export function useReadScope(scope: ExportScope | null): ReadScope {
  const latest = useRef(scope);
  useEffect(() => {
    latest.current = scope;
  });
  return useCallback(() => latest.current, []);
}
