import { Badge, type Tone } from '@/components/ui/badge';
import type { ReportRun } from '@/features/reports/api/wire';
import { capitalize, formatDate } from '@/lib/format';

const TONES: Record<ReportRun['state'], Tone> = {
  pending: 'warning',
  sent: 'good',
  failed: 'critical',
};

/** The state of a run, and why it is not finished. */
export function RunState({ run }: { run: ReportRun }) {
  return (
    <>
      <Badge tone={TONES[run.state]}>{run.state}</Badge>
      <time className="caption" dateTime={run.sent_at ?? run.created_at}>
        {formatDate(run.sent_at ?? run.created_at)}
      </time>
      {run.error && <span className="caption basis-full">{capitalize(run.error)}.</span>}
      {run.pdf_error && <span className="caption basis-full">Without a PDF: {run.pdf_error}.</span>}
    </>
  );
}
