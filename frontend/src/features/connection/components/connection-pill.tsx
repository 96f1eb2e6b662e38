import { clsx } from 'clsx';
import { useNow } from '@/lib/use-now';
import type { Connection } from '@/live';

interface ConnectionPillProps {
  connection: Connection;
  paused: boolean;
}

/** The state of the live connection, in the header. */
export function ConnectionPill({ connection, paused }: ConnectionPillProps) {
  const { text, spoken, tone } = describe(connection, paused);
  return (
    <span
      className="inline-flex h-8 items-center gap-2 rounded-md px-2.5 text-sm font-medium"
      data-connection={connection.state}
    >
      <span
        className={clsx('size-2 rounded-full', TONES[tone], tone === 'good' && 'breathing')}
        aria-hidden="true"
      />
      <span aria-hidden="true">
        {text}
        {connection.state === 'waiting' && <Countdown until={connection.retryAt} />}
      </span>
      {/* Without the countdown, which screen readers would announce every second. */}
      <span role="status" className="sr-only">
        {spoken}
      </span>
    </span>
  );
}

const TONES = {
  good: 'bg-good',
  waiting: 'bg-warning',
  bad: 'bg-critical',
  still: 'bg-neutral',
} as const;

function describe(connection: Connection, paused: boolean) {
  switch (connection.state) {
    case 'live':
      return paused
        ? ({ text: 'Paused', spoken: 'Connected, view paused', tone: 'still' } as const)
        : ({ text: 'Live', spoken: 'Connected, live', tone: 'good' } as const);
    case 'connecting':
      return { text: 'Connecting', spoken: 'Connecting', tone: 'waiting' } as const;
    case 'waiting':
      return {
        text: 'Reconnecting',
        spoken: `Reconnecting: ${connection.why}`,
        tone: 'waiting',
      } as const;
    case 'offline':
      return { text: 'Offline', spoken: 'This device is offline', tone: 'bad' } as const;
    case 'unauthorized':
      return { text: 'Locked', spoken: 'Sign-in required', tone: 'bad' } as const;
    case 'refused':
      return { text: 'Refused', spoken: `Refused: ${connection.why}`, tone: 'bad' } as const;
    case 'stopped':
      return { text: 'Stopped', spoken: 'Stopped', tone: 'still' } as const;
  }
}

function Countdown({ until }: { until: number }) {
  const now = useNow(250);
  const seconds = Math.ceil((until - now) / 1_000);
  return <> in {Math.max(0, seconds)} s</>;
}
