import type { ReactNode } from 'react';

interface SpecimenProps {
  name: string;
  /** When to use it. */
  use: string;
  children: ReactNode;
}

/** One component in its states. */
export function Specimen({ name, use, children }: SpecimenProps) {
  return (
    <div role="group" aria-label={name} className="border-t border-line py-3 first:border-t-0">
      <p className="text-sm">
        <span className="font-semibold">{name}</span> <span className="text-ink-soft">{use}</span>
      </p>
      <div className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-3">{children}</div>
    </div>
  );
}
