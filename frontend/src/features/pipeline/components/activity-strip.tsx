import { useState } from 'react';
import type { SystemStatus } from '@/api/wire';
import { Sparkline } from '@/components/charts/sparkline';
import { nextHistory, type Sample } from '@/features/pipeline/model/history';
import { formatCount, formatRate } from '@/lib/format';

interface ActivityStripProps {
  system: SystemStatus;
  postsPerSecond: number | null;
}

/** Throughput, backlog and connections, each with a trend of the last minutes. */
export function ActivityStrip({ system, postsPerSecond }: ActivityStripProps) {
  const history = useHistory(system, postsPerSecond);
  const { stream, sockets } = system;
  const figures = [
    {
      name: 'Posts stored per second',
      value: postsPerSecond === null ? '–' : formatRate(postsPerSecond),
      pick: (sample: Sample) => sample.postsPerSecond,
    },
    {
      name: 'Unread entries',
      value: stream ? formatCount(stream.lag) : '–',
      pick: (sample: Sample) => sample.lag,
    },
    {
      name: 'Queued in Redis',
      value: stream ? formatCount(stream.length) : '–',
      pick: (sample: Sample) => sample.length,
    },
    {
      name: 'Live connections',
      value: formatCount(sockets.open),
      pick: (sample: Sample) => sample.sockets,
    },
  ];
  return (
    <dl className="grid grid-cols-2 overflow-hidden rounded-xl border border-line bg-surface shadow-panel lg:grid-cols-4">
      {figures.map(({ name, value, pick }) => (
        <div
          key={name}
          className="min-w-0 border-line px-4 py-2.5 not-first:border-l max-lg:nth-3:border-l-0 max-lg:nth-[n+3]:border-t"
        >
          <dt className="caption">{name}</dt>
          <dd className="flex items-end gap-3">
            <span className="text-[22px] leading-tight font-semibold">{value}</span>
            <span className="ml-auto hidden sm:block">
              <Sparkline values={history.map(pick)} colour="var(--brand)" />
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function useHistory(system: SystemStatus, postsPerSecond: number | null): readonly Sample[] {
  const [history, setHistory] = useState<readonly Sample[]>([]);
  const next = nextHistory(history, system, postsPerSecond);
  if (next !== history) setHistory(next);
  return next;
}
