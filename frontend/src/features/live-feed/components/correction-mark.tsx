import { useEffect, useState } from 'react';
import { Badge } from '@/components/ui/badge';
import { CheckIcon } from '@/components/ui/icons';

/** Long enough to notice and read. */
export const MARKED_FOR_MS = 6_000;

/**
 * Marks a corrected post for a moment, with a badge and a glow that does not shift the layout.
 *
 * With reduced motion, only the badge is shown. Each correction needs its own `key` to be shown again.
 */
export function CorrectionMark({ text }: { text: string }) {
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsOver(true), MARKED_FOR_MS);
    return () => clearTimeout(timer);
  }, []);
  if (isOver) return null;
  return (
    <>
      <span className="corrected absolute inset-0 -z-10" aria-hidden="true" />
      <Badge tone="good" icon={<CheckIcon className="mr-1 size-3 shrink-0" />}>
        {text}
      </Badge>
    </>
  );
}
