import type { ReactNode } from 'react';
import { ExportContext, useReadScope, type ExportScope } from '@/components/export/scope';

interface ExportableProps {
  /** What the figures inside cover; null while nothing is loaded. */
  scope: ExportScope | null;
  className?: string;
  children: ReactNode;
}

/** A part of a page whose panels can be saved as files. */
export function Exportable({ scope, className, children }: ExportableProps) {
  const readScope = useReadScope(scope);
  return (
    <ExportContext value={readScope}>
      <div className={className}>{children}</div>
    </ExportContext>
  );
}
