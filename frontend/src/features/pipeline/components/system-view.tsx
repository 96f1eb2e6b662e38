import type { ReactNode } from 'react';
import type { DependencyStatus, SystemStatus } from '@/api/wire';
import { Badge } from '@/components/ui/badge';
import { Panel } from '@/components/ui/panel';
import { useSystem } from '@/features/pipeline/api/use-system';
import { HealthBanner } from '@/features/pipeline/components/health-banner';
import { StageTable } from '@/features/pipeline/components/stage-table';
import { formatAge, formatCount } from '@/lib/format';
import { useNow } from '@/lib/use-now';

/** The server's own health: stages, stream, model, sockets. */
export function SystemView() {
  const { data, error, isPending } = useSystem();
  const now = useNow(1_000);
  return (
    <div className="flex flex-col gap-3">
      {data !== undefined && <HealthBanner system={data} />}
      {error !== null && (
        <p role="alert" className="rounded-xl bg-warning-soft px-4 py-3 text-warning">
          The server does not tell how it is: {error.message}. These figures are as old as the last
          answer; asking again every two seconds.
        </p>
      )}
      {isPending && <p className="py-6 text-ink-soft">Asking the server…</p>}
      {data !== undefined && <Status system={data} now={now} />}
    </div>
  );
}

function Status({ system, now }: { system: SystemStatus; now: number }) {
  const { stream, model, sockets } = system;
  return (
    <>
      <div className="grid gap-3 md:grid-cols-3">
        <Facts title="Stream" note={<DeadLetters dead={stream?.dead ?? 0} />}>
          <Fact name="Waiting in Redis" value={countOf(stream?.length)} />
          <Fact name="Not yet read" value={countOf(stream?.lag)} />
          <Fact name="Read, not yet stored" value={countOf(stream?.pending)} />
          <Fact name="Dead letters" value={countOf(stream?.dead)} />
        </Facts>
        <Facts
          title="Model"
          note={
            model.degraded ? (
              <Badge tone="warning">degraded</Badge>
            ) : (
              <Badge tone="good">as trained</Badge>
            )
          }
        >
          <Fact name="Name" value={`${model.name} ${model.version}`} />
          <Fact name="SHA-256" value={model.hash.slice(0, 12)} />
          {model.degraded && <p className="mt-1 text-[13px] text-warning">{model.degraded}</p>}
        </Facts>
        <Facts title="Server" note={<Badge>{system.mode}</Badge>}>
          <Fact name="Version" value={system.version} />
          <Fact name="Up" value={formatAge(system.started_at, now)} />
          <Fact
            name="Sockets"
            value={`${formatCount(sockets.open)} of ${formatCount(sockets.limit)}`}
          />
          <Fact name="PostgreSQL" value={describeServer(system.postgres)} />
          <Fact name="Redis" value={describeServer(system.redis)} />
        </Facts>
      </div>
      <Panel title="Stages" note="in the order a post passes them">
        <StageTable stages={system.stages} now={now} />
      </Panel>
    </>
  );
}

/** Unknown while Redis is away. */
function countOf(count: number | undefined): string {
  return count === undefined ? '–' : formatCount(count);
}

function describeServer({ reachable, error }: DependencyStatus): string {
  return reachable ? 'answers' : (error ?? 'does not answer');
}

function DeadLetters({ dead }: { dead: number }) {
  return dead > 0 ? <Badge tone="critical">look: groundswell dead-letters list</Badge> : null;
}

function Facts({ title, note, children }: { title: string; note: ReactNode; children: ReactNode }) {
  return (
    <Panel title={title} actions={note}>
      <dl className="mt-1 space-y-1">{children}</dl>
    </Panel>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="flex items-baseline justify-between gap-4">
      <dt className="text-[13px] text-ink-soft first-letter:uppercase">{name}</dt>
      <dd className="font-semibold">{value}</dd>
    </div>
  );
}
