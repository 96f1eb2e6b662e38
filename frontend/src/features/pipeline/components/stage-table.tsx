import type { StageState, StageStatus } from '@/api/wire';
import { Badge, type Tone } from '@/components/ui/badge';
import { formatAge, formatCount, formatRate } from '@/lib/format';

const TONES: Record<StageState, Tone> = {
  running: 'good',
  backing_off: 'warning',
  frozen: 'critical',
  failed: 'critical',
};

const STATES: Record<StageState, string> = {
  running: 'running',
  backing_off: 'restarting',
  frozen: 'not responding',
  failed: 'failed',
};

interface StageTableProps {
  of?: 'stages' | 'tasks';
  stages: readonly StageStatus[];
  /** Messages per second by stage, as far as known. */
  rates: ReadonlyMap<string, number>;
  now: number;
}

/** Every stage or task, as its supervisor reports it. */
export function StageTable({ of = 'stages', stages, rates, now }: StageTableProps) {
  return (
    // Focusable, so that the keyboard can scroll it on a phone.
    <div
      className="overflow-x-auto"
      role="group"
      aria-label={of === 'stages' ? 'Stages table' : 'Tasks table'}
      tabIndex={0}
    >
      <table className="w-full min-w-[640px] text-sm">
        <caption className="sr-only">
          {of === 'stages' ? 'Pipeline stages' : 'Background tasks'}
        </caption>
        <thead>
          <tr className="caption text-right">
            <th scope="col" className="py-1.5 text-left font-medium">
              {of === 'stages' ? 'Stage' : 'Task'}
            </th>
            <th scope="col" className="text-left font-medium">
              State
            </th>
            {[
              'Messages',
              'Messages/s',
              'Failed',
              'In flight',
              'Restarts',
              'Generation',
              'Last progress',
            ].map((head) => (
              <th key={head} scope="col" className="pl-3 font-medium">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {stages.map((stage) => (
            <tr key={stage.stage} className="border-t border-line text-right">
              <th scope="row" className="py-2 text-left font-semibold">
                {stage.stage}
              </th>
              <td className="text-left">
                <Badge tone={TONES[stage.state] ?? 'plain'}>
                  {STATES[stage.state] ?? stage.state}
                </Badge>
              </td>
              <td>{formatCount(stage.handled)}</td>
              <td>{describeRate(rates.get(stage.stage))}</td>
              <td className={stage.failed > 0 ? 'font-semibold text-critical' : ''}>
                {formatCount(stage.failed)}
              </td>
              <td>{formatCount(stage.in_flight)}</td>
              <td className={stage.restarts > 0 ? 'font-semibold text-warning' : ''}>
                {formatCount(stage.restarts)}
              </td>
              <td>{formatCount(stage.generation)}</td>
              <td>{stage.last_progress_at ? formatAge(stage.last_progress_at, now) : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function describeRate(rate: number | undefined): string {
  return rate === undefined ? '–' : formatRate(rate);
}
