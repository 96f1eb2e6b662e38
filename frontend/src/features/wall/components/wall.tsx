import '@/features/wall/wall.css';
import { clsx } from 'clsx';
import { type ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { Select } from '@/components/ui/select';
import { ROTATIONS } from '@/features/wall/model/rotation';
import { useAge } from '@/features/wall/model/use-age';
import { useIsPointing, useLeaving, useScale, useWakeLock } from '@/features/wall/model/use-screen';
import { formatElapsed } from '@/lib/format';
import { formatClock } from '@/lib/time';
import { useNow } from '@/lib/use-now';

interface WallProps {
  /** What the figures cover. */
  title: string;
  /** The page in a sentence. */
  summary: ReactNode;
  /** The state of the live connection. */
  connection: ReactNode;
  isConnected: boolean;
  /** The time of the figures; null before the first ones. */
  asOf: string | null;
  /** The age from which the figures count as outdated. */
  outdatedAfterMs: number;
  /** Seconds between saved views; 0 for one view. */
  rotation: number;
  onRotate: (seconds: number) => void;
  onLeave: () => void;
  children: ReactNode;
}

/** The page on a screen on the wall: it fills the screen, and says so when its figures stop. */
export function Wall(props: WallProps) {
  const { title, summary, connection, isConnected, asOf, outdatedAfterMs, onLeave } = props;
  const age = useAge(asOf);
  const isStale = !isConnected || age > outdatedAfterMs;
  const isPointing = useIsPointing();
  const zoom = useScale();
  useWakeLock();
  useLeaving(onLeave);
  return (
    <div
      data-wall
      data-stale={isStale || undefined}
      style={{ zoom }}
      className={clsx(
        'fixed inset-0 flex flex-col gap-3 bg-page p-4 max-lg:overflow-y-auto',
        !isPointing && 'cursor-none',
      )}
    >
      <h1 className="sr-only">Live</h1>
      <header className="flex items-center gap-4">
        <div className="min-w-0 flex-1">{summary}</div>
        <p className="shrink-0 text-sm text-ink-soft max-lg:hidden">{title}</p>
        {connection}
        <Clock />
      </header>
      {isStale && <Stale asOf={asOf} age={age} />}
      <div className="wall-figures flex min-h-0 flex-1 flex-col gap-3">{props.children}</div>
      <Controls {...props} isShown={isPointing} />
    </div>
  );
}

function Clock() {
  const now = useNow(1_000);
  return <p className="shrink-0 text-lg font-semibold">{formatClock(now)}</p>;
}

function Stale({ asOf, age }: { asOf: string | null; age: number }) {
  return (
    <p
      role="alert"
      className="rounded-md bg-critical px-4 py-2 text-center text-lg font-semibold text-surface"
    >
      {asOf === null ? (
        'No live data yet'
      ) : (
        <>
          No live data. <span aria-hidden="true">Figures from {formatClock(asOf)}, </span>
          <span aria-hidden="true">{formatElapsed(age)} old</span>
        </>
      )}
    </p>
  );
}

/** Shown while somebody points, or has reached them with the keyboard. */
function Controls({ rotation, onRotate, onLeave, isShown }: WallProps & { isShown: boolean }) {
  return (
    <div
      className={clsx(
        'absolute right-4 bottom-4 flex items-center gap-2 rounded-md border border-line bg-raised p-2 shadow-panel',
        !isShown && 'opacity-0 focus-within:opacity-100',
      )}
    >
      <Select
        aria-label="Rotate over saved views"
        value={rotation}
        onChange={({ target }) => onRotate(Number(target.value))}
      >
        {ROTATIONS.map((seconds) => (
          <option key={seconds} value={seconds}>
            {seconds === 0 ? 'One view' : `Next saved view every ${formatElapsed(seconds * 1_000)}`}
          </option>
        ))}
      </Select>
      <Button look="solid" className="h-9!" onClick={onLeave}>
        Leave
      </Button>
    </div>
  );
}
