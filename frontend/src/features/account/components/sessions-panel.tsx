import type { Session } from '@/api/identity';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Failure } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { useEndSessions, useSessions } from '@/features/account/api/use-account';
import { nameOfBrowser } from '@/lib/browser';
import { formatAgo, formatDate } from '@/lib/format';
import { useNow } from '@/lib/use-now';

/** Where the person is signed in. */
export function SessionsPanel() {
  const query = useSessions();
  const end = useEndSessions();
  const now = useNow(30_000);
  const others = (query.data ?? []).filter(({ is_current }) => !is_current);
  return (
    <Panel
      title="Sessions"
      note="where you are signed in"
      actions={
        others.length > 0 && (
          <Button disabled={end.isPending} onClick={() => end.mutate(others.map(({ id }) => id))}>
            Sign out all others
          </Button>
        )
      }
    >
      <QueryStatus query={query} what="sessions" rows={3} />
      {end.error !== null && (
        <Failure className="mt-2" what="Not all sessions could be ended" error={end.error} />
      )}
      <ul aria-label="Sessions" className="-mx-4 mt-2">
        {query.data?.map((session) => (
          <Row
            key={session.id}
            session={session}
            now={now}
            isBusy={end.isPending && end.variables.includes(session.id)}
            onEnd={() => end.mutate([session.id])}
          />
        ))}
      </ul>
    </Panel>
  );
}

interface RowProps {
  session: Session;
  now: number;
  isBusy: boolean;
  onEnd: () => void;
}

function Row({ session, now, isBusy, onEnd }: RowProps) {
  const { agent, address, created_at, last_seen_at, is_current } = session;
  const device = agent == null ? 'Unknown browser' : nameOfBrowser(agent);
  const where = address == null ? '' : ` at ${address}`;
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-t border-line px-4 py-2.5">
      <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
        <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
          {device}
          {is_current && <Badge tone="good">this device</Badge>}
        </p>
        <p className="caption" title={agent ?? undefined}>
          Signed in {formatDate(created_at)}
          {where} · last seen {formatAgo(last_seen_at, now)}
        </p>
      </div>
      {!is_current && (
        <Button aria-label={`Sign out: ${device}${where}`} disabled={isBusy} onClick={onEnd}>
          Sign out
        </Button>
      )}
    </li>
  );
}
