import { useEffect, useState } from 'react';
import { Badge } from '@/components/ui/badge';
import { CheckIcon } from '@/components/ui/icons';

/** Long enough to be read by somebody who looks up at the change; longer, and every row would carry one. */
export const MARKED_FOR_MS = 6_000;

/**
 * Says for a moment that a post was corrected, in words and by a glow behind the text that does not move anything.
 *
 * Who prefers less motion gets the words alone. Give each correction a `key` of its own, or the second says nothing.
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
      <Badge tone="good">
        <CheckIcon className="mr-1 size-3" />
        {text}
      </Badge>
    </>
  );
}
