import type { ServiceAlert, SystemStatus } from '@/api/wire';

const STATES = {
  backing_off: 'died and is about to be rebuilt',
  frozen: 'does not answer',
  failed: 'died too often; the server is about to stop',
} as const;

/** Dead letters are kept, not lost, but somebody should look at them. */
const DEAD_LETTERS_WORTH_SAYING = 1;

/** What the sentences below say at once, and a service alert once it has lasted. */
const SAID_AT_ONCE: ReadonlySet<ServiceAlert['condition']> = new Set([
  'postgres_away',
  'redis_away',
  'stage_down',
  'model_degraded',
  'dead_letters',
] as const);

/** What a viewer should know before trusting the figures, one sentence each; empty when all is well. */
export function describeProblems(system: SystemStatus): string[] {
  const problems: string[] = [];
  if (!system.redis.reachable) {
    problems.push(
      'Redis is away: no new posts are taken in. What was accepted is safe and follows.',
    );
  }
  if (!system.postgres.reachable) {
    problems.push('PostgreSQL is away: posts wait in the stream and are counted once it is back.');
  }
  for (const { stage, state } of system.stages) {
    if (state !== 'running') problems.push(`The stage ${stage} ${STATES[state]}.`);
  }
  for (const { stage, state } of system.tasks ?? []) {
    if (state !== 'running') problems.push(`The task ${stage} ${STATES[state]}.`);
  }
  if (system.model.degraded) {
    problems.push(
      `Scores come from ${system.model.name}, not from the model: ${system.model.degraded}.`,
    );
  }
  for (const { version, kind, waiting } of system.unknown_entries ?? []) {
    problems.push(
      `${waiting} stream entries of version ${version} and kind ${kind} wait for a newer server: this one does not know them.`,
    );
  }
  const dead = system.stream?.dead ?? 0;
  if (dead >= DEAD_LETTERS_WORTH_SAYING) {
    problems.push(
      `${dead} ${dead === 1 ? 'post' : 'posts'} could not be processed and ${dead === 1 ? 'waits' : 'wait'} among the dead letters.`,
    );
  }
  for (const { condition, title, detail } of system.service_alerts) {
    if (!SAID_AT_ONCE.has(condition)) problems.push(`${title}. ${detail}`.trim());
  }
  return problems;
}
