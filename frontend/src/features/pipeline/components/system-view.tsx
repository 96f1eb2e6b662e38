import type { ReactNode } from 'react';
import type { DependencyStatus, SystemStatus } from '@/api/wire';
import { Badge } from '@/components/ui/badge';
import { Panel } from '@/components/ui/panel';
import { useSystem } from '@/features/pipeline/api/use-system';
import { useReadings } from '@/features/pipeline/api/use-readings';
import { DeadLettersPanel } from '@/features/pipeline/components/dead-letters-panel';
import { ErrorsPanel } from '@/features/pipeline/components/errors-panel';
import { Fact } from '@/features/pipeline/components/facts';
import { HealthBanner } from '@/features/pipeline/components/health-banner';
import { ActivityStrip } from '@/features/pipeline/components/activity-strip';
import { ServiceAlertsPanel } from '@/features/pipeline/components/service-alerts-panel';
import { StageTable } from '@/features/pipeline/components/stage-table';
import { TiersPanel } from '@/features/pipeline/components/tiers-panel';
import { describeModel } from '@/features/pipeline/model/tiers';
import { handledPerSecond, newestOf } from '@/features/pipeline/model/throughput';
import { formatAge, formatCount } from '@/lib/format';
import { useMay } from '@/lib/me';
import { useNow } from '@/lib/use-now';

interface SystemViewProps {
  /** The latest status pushed over the socket, if any. */
  pushed: SystemStatus | null;
  /** Posts stored per second by all processes; null while unknown. */
  postsPerSecond: number | null;
  /** Posts that arrived after their minute had closed, in the live window; null while unknown. */
  n_late?: number | null;
  /** Further panels, after the models. */
  children?: ReactNode;
}

/** The System page: the health of the server and its pipeline. */
export function SystemView({ pushed, postsPerSecond, n_late = null, children }: SystemViewProps) {
  const { data, error, isPending } = useSystem();
  const system = newestOf(data, pushed);
  const rates = handledPerSecond(useReadings(system));
  const now = useNow(1_000);
  const mayList = useMay()('list_dead_letters');
  return (
    <div className="flex flex-col gap-3">
      {system !== null && <HealthBanner system={system} />}
      {error !== null && (
        <p role="alert" className="rounded-md bg-warning-soft px-4 py-3 text-warning">
          The system status could not be loaded: {error.message}. Any figures below are from the
          last response. Retrying every two seconds.
        </p>
      )}
      {isPending && system === null && <p className="py-6 text-ink-soft">Loading system status…</p>}
      {system !== null && (
        <>
          <ActivityStrip system={system} postsPerSecond={postsPerSecond} n_late={n_late} />
          <ServiceAlertsPanel system={system} />
          <TiersPanel tiers={system.tiers} />
          {children}
          <Servers system={system} now={now} />
          <Panel title="Stages" note="in pipeline order; a message carries one or more posts">
            <StageTable stages={system.stages} rates={rates} now={now} />
          </Panel>
          <Panel title="Tasks" note="background work, restarted on failure">
            <StageTable of="tasks" stages={system.tasks ?? []} rates={rates} now={now} />
          </Panel>
          <ErrorsPanel now={now} />
          {mayList && <DeadLettersPanel n_dead={system.stream?.dead ?? null} now={now} />}
        </>
      )}
    </div>
  );
}

function Servers({ system, now }: { system: SystemStatus; now: number }) {
  const { stream, sockets, model } = system;
  return (
    <div className="grid gap-3 md:grid-cols-2">
      <Facts title="Stream" note={<Badge>{stream ? 'connected' : 'unreachable'}</Badge>}>
        <Fact name="Queued in Redis" value={countOf(stream?.length)} />
        <Fact name="Unread entries" value={countOf(stream?.lag)} />
        <Fact name="Read, not yet stored" value={countOf(stream?.pending)} />
        <Fact
          name="Oldest queued"
          value={stream?.oldest_at ? formatAge(stream.oldest_at, now) : '–'}
        />
        <Fact name="Dead letters" value={countOf(stream?.dead)} />
      </Facts>
      <Facts title="Server" note={<Badge>{system.mode}</Badge>}>
        <Fact name="Version" value={system.version} />
        <Fact name="Model" value={describeModel(model)} />
        <Fact name="Uptime" value={formatAge(system.started_at, now)} />
        <Fact
          name="Live connections"
          value={`${formatCount(sockets.open)} of ${formatCount(sockets.limit)}`}
        />
        <Fact name="Disk" value={describeDisk(system.disk)} />
        <Fact name="PostgreSQL" value={describeServer(system.postgres)} />
        <Fact name="Redis" value={describeServer(system.redis)} />
      </Facts>
    </div>
  );
}

/** Unavailable while Redis is unreachable. */
function countOf(count: number | undefined): string {
  return count === undefined ? '–' : formatCount(count);
}

const GIBIBYTE = 1024 ** 3;

/** Unknown if there is no data folder, as with external servers. */
function describeDisk(disk: SystemStatus['disk']): string {
  if (!disk) return '–';
  const gibibytes = (bytes: number) => (bytes / GIBIBYTE).toFixed(1);
  return `${gibibytes(disk.free_bytes)} of ${gibibytes(disk.total_bytes)} GiB free`;
}

function describeServer({ reachable, error }: DependencyStatus): string {
  return reachable ? 'connected' : (error ?? 'unreachable');
}

function Facts({ title, note, children }: { title: string; note: ReactNode; children: ReactNode }) {
  return (
    <Panel title={title} actions={note}>
      <dl className="mt-1 space-y-1">{children}</dl>
    </Panel>
  );
}
