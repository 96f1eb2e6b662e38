import type { ServiceAlert, SystemStatus } from '@/api/wire';
import { formatPosts } from '@/lib/format';

const STATES = {
  backing_off: 'crashed and is restarting',
  frozen: 'is not responding',
  failed: 'crashed too many times; the server is shutting down',
} as const;

/** The conditions of service alerts that `describeProblems` reports by itself. */
const REPORTED_DIRECTLY: ReadonlySet<ServiceAlert['condition']> = new Set([
  'postgres_away',
  'redis_away',
  'stage_down',
  'model_degraded',
  'dead_letters',
] as const);

/** Describes the server's problems, one sentence each; empty if it is healthy. */
export function describeProblems(system: SystemStatus): string[] {
  const problems: string[] = [];
  if (!system.redis.reachable) {
    problems.push(
      'Redis is unreachable: no new posts are accepted. Posts already accepted are safe and will be processed.',
    );
  }
  if (!system.postgres.reachable) {
    problems.push(
      'PostgreSQL is unreachable: posts queue in Redis and are counted once it is back.',
    );
  }
  for (const { stage, state } of system.stages) {
    if (state !== 'running') problems.push(`Stage ${stage} ${STATES[state]}.`);
  }
  for (const { stage, state } of system.tasks ?? []) {
    if (state !== 'running') problems.push(`Task ${stage} ${STATES[state]}.`);
  }
  if (system.model.degraded) {
    problems.push(
      `Scores come from ${system.model.name} instead of the model: ${system.model.degraded}.`,
    );
  }
  for (const { version, kind, waiting } of system.unknown_entries ?? []) {
    problems.push(
      `${waiting} stream ${waiting === 1 ? 'entry' : 'entries'} (version ${version}, kind ${kind}) ${waiting === 1 ? 'is' : 'are'} waiting for a newer server. This one cannot read ${waiting === 1 ? 'it' : 'them'}.`,
    );
  }
  const dead = system.stream?.dead ?? 0;
  if (dead > 0) {
    problems.push(
      `${formatPosts(dead)} could not be processed. Review and replay ${dead === 1 ? 'it' : 'them'} under Dead letters on the System page.`,
    );
  }
  for (const { condition, title, detail } of system.service_alerts) {
    if (!REPORTED_DIRECTLY.has(condition)) problems.push(`${title}. ${detail}`.trim());
  }
  return problems;
}
