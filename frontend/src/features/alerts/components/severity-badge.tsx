import { Badge } from '@/components/ui/badge';
import type { Severity } from '@/features/alerts/api/wire';

const TONES = { info: 'brand', warning: 'warning', critical: 'critical' } as const;

export function SeverityBadge({ severity }: { severity: Severity }) {
  return <Badge tone={TONES[severity]}>{severity}</Badge>;
}
