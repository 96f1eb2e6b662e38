import { Badge } from '@/components/ui/badge';
import { formatSource } from '@/lib/format';

/** The source of a post; dashed for synthetic posts. */
export function SourceBadge({ source }: { source: string }) {
  return <Badge tone={source === 'synthetic' ? 'dashed' : 'outline'}>{formatSource(source)}</Badge>;
}
