import type { ReactNode } from 'react';
import { SENTIMENTS } from '@/api/wire';

/** The colours of the sentiment labels; `children` are further items of the chart's legend. */
export function LabelLegend({ children }: { children?: ReactNode }) {
  return (
    <ul className="caption mr-1 flex items-center gap-x-3 max-sm:flex-wrap" aria-hidden="true">
      {SENTIMENTS.map((label) => (
        <li key={label} className="flex items-center gap-1">
          <span className="size-2" style={{ background: `var(--${label})` }} />
          {label}
        </li>
      ))}
      {children}
    </ul>
  );
}
