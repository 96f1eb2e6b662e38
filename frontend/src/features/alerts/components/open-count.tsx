import { Badge } from '@/components/ui/badge';
import { formatSome } from '@/lib/format';

interface OpenCountProps {
  n_open: number;
  /** Whether there are more than these. */
  isCut: boolean;
  /** Whether the open alerts have been loaded; without them, nobody knows that there are none. */
  isKnown: boolean;
}

/** The number of open alerts, as a badge. */
export function OpenCount({ n_open, isCut, isKnown }: OpenCountProps) {
  if (n_open > 0) return <Badge tone="critical">{formatSome(n_open, isCut)} open</Badge>;
  return isKnown ? <Badge tone="good">none open</Badge> : null;
}
