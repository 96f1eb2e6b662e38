import { useState } from 'react';
import type { SystemStatus } from '@/api/wire';
import { Sparkline } from '@/components/charts/sparkline';
import { nextTrail, type Footprint } from '@/features/pipeline/model/trail';
import { formatCount, formatRate } from '@/lib/format';

interface PulseStripProps {
  system: SystemStatus;
  postsPerSecond: number | null;
}

/** What moves, with its last minutes beside it: load, what waits, and who listens. */
export function PulseStrip({ system, postsPerSecond }: PulseStripProps) {
  const trail = useTrail(system, postsPerSecond);
  const { stream, sockets } = system;
  const figures = [
    {
      name: 'Posts stored per second',
      value: postsPerSecond === null ? '–' : formatRate(postsPerSecond),
      pick: (footprint: Footprint) => footprint.postsPerSecond,
    },
    {
      name: 'Unread entries',
      value: stream ? formatCount(stream.lag) : '–',
      pick: (footprint: Footprint) => footprint.lag,
    },
    {
      name: 'Queued in Redis',
      value: stream ? formatCount(stream.length) : '–',
      pick: (footprint: Footprint) => footprint.length,
    },
    {
      name: 'Live connections',
      value: formatCount(sockets.open),
      pick: (footprint: Footprint) => footprint.sockets,
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
              <Sparkline values={trail.map(pick)} colour="var(--brand)" />
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function useTrail(system: SystemStatus, postsPerSecond: number | null): readonly Footprint[] {
  const [trail, setTrail] = useState<readonly Footprint[]>([]);
  const next = nextTrail(trail, system, postsPerSecond);
  if (next !== trail) setTrail(next);
  return next;
}
