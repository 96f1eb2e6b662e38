import { Badge } from '@/components/ui/badge';
import { formatSource } from '@/lib/format';

/** Says where a post came from; invented posts look invented (dashed), so that nobody takes one for a real one. */
export function SourceBadge({ source }: { source: string }) {
  return <Badge tone={source === 'synthetic' ? 'dashed' : 'outline'}>{formatSource(source)}</Badge>;
}
