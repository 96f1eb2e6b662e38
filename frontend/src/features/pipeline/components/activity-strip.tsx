import { useState } from 'react';
import type { SystemStatus } from '@/api/wire';
import { Sparkline } from '@/components/charts/sparkline';
import { HeadlineCell, HeadlineStrip } from '@/components/ui/headline-strip';
import { nextHistory, type Sample } from '@/features/pipeline/model/history';
import { formatCount, formatRate } from '@/lib/format';

interface ActivityStripProps {
  system: SystemStatus;
  postsPerSecond: number | null;
  n_late: number | null;
}

/** Throughput, backlog and connections, each with a trend of the last minutes. */
export function ActivityStrip({ system, postsPerSecond, n_late }: ActivityStripProps) {
  const history = useHistory(system, postsPerSecond);
  const { stream, sockets } = system;
  const figures = [
    {
      name: 'Posts stored per second',
      value: postsPerSecond === null ? null : formatRate(postsPerSecond),
      pick: (sample: Sample) => sample.postsPerSecond,
    },
    {
      name: 'Unread entries',
      value: stream ? formatCount(stream.lag) : null,
      pick: (sample: Sample) => sample.lag,
    },
    {
      name: 'Queued in Redis',
      value: stream ? formatCount(stream.length) : null,
      pick: (sample: Sample) => sample.length,
    },
    {
      name: 'Live connections',
      value: formatCount(sockets.open),
      pick: (sample: Sample) => sample.sockets,
    },
    {
      name: 'Posts that arrived late',
      value: n_late === null ? null : formatCount(n_late),
      pick: null,
    },
  ];
  return (
    <HeadlineStrip label="Headline numbers" columns={5}>
      {figures.map(({ name, value, pick }) => (
        <HeadlineCell
          key={name}
          name={name}
          value={value}
          spark={pick !== null && <Sparkline values={history.map(pick)} colour="var(--brand)" />}
        />
      ))}
    </HeadlineStrip>
  );
}

function useHistory(system: SystemStatus, postsPerSecond: number | null): readonly Sample[] {
  const [history, setHistory] = useState<readonly Sample[]>([]);
  const next = nextHistory(history, system, postsPerSecond);
  if (next !== history) setHistory(next);
  return next;
}
