import { useState } from 'react';
import { ActorName } from '@/components/ui/actor-name';
import { Allowed } from '@/components/ui/allowed';
import { Badge, type Tone } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Empty, Failure } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { RULES, SILENCES } from '@/features/alerts/api/resources';
import { useList, useRemove } from '@/features/alerts/api/use-resource';
import type { Rule, Silence } from '@/features/alerts/api/wire';
import { describeSilence, stateOf, type SilenceState } from '@/features/alerts/silences/draft';
import { SilenceEditor } from '@/features/alerts/silences/silence-editor';
import { capitalize, formatDate } from '@/lib/format';
import { useNow } from '@/lib/use-now';

const TONES: Record<SilenceState, Tone> = {
  active: 'brand',
  upcoming: 'outline',
  expired: 'plain',
};
const ORDER: Record<SilenceState, number> = { active: 0, upcoming: 1, expired: 2 };

/** Every silence, active ones first. */
export function SilencesPanel() {
  const query = useList<Silence>(SILENCES);
  const { data: rules = [] } = useList<Rule>(RULES);
  const end = useRemove(SILENCES);
  const tick = useNow(10_000);
  // A silence that was just ended is newer than the last tick.
  const now = Math.max(tick, query.dataUpdatedAt);
  const [isAdding, setIsAdding] = useState(false);
  const silences = (query.data ?? [])
    .map((silence) => ({ silence, state: stateOf(silence, now) }))
    .toSorted(
      (a, b) =>
        ORDER[a.state] - ORDER[b.state] ||
        Date.parse(b.silence.ends_at) - Date.parse(a.silence.ends_at),
    );
  return (
    <Panel
      title="Silences"
      note="alerts stay visible but send no notifications"
      actions={
        <Allowed to="create_silence">
          <Button look="solid" onClick={() => setIsAdding(true)}>
            New silence
          </Button>
        </Allowed>
      }
    >
      <QueryStatus query={query} what="silences" rows={4} />
      {end.error !== null && (
        <Failure className="mt-2" what="The silence could not be ended" error={end.error} />
      )}
      {query.data?.length === 0 && (
        <Empty title="No silences">
          <Allowed to="create_silence">
            Silence an open alert, or create a silence before planned work.
          </Allowed>
        </Empty>
      )}
      <ul aria-label="Silences" className="-mx-4 mt-2">
        {silences.map(({ silence, state }) => (
          <li
            key={silence.id}
            className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-t border-line px-4 py-2.5"
          >
            <div className="min-w-0 flex-1 basis-64 wrap-anywhere">
              <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
                {capitalize(describeSilence(silence, rules))}
                <Badge tone={TONES[state]}>{state}</Badge>
              </p>
              <p className="text-sm break-words text-ink-soft">
                {formatDate(silence.starts_at)} – {formatDate(silence.ends_at)}
                {silence.comment !== '' && ` · ${silence.comment}`}
              </p>
              <SilenceAuthors silence={silence} />
            </div>
            {state !== 'expired' && (
              <Allowed to="end_silence">
                <Button
                  disabled={end.isPending && end.variables === silence.id}
                  onClick={() => end.mutate(silence.id)}
                >
                  End now
                </Button>
              </Allowed>
            )}
          </li>
        ))}
      </ul>
      {isAdding && <SilenceEditor rules={rules} onClose={() => setIsAdding(false)} />}
    </Panel>
  );
}

/** Who created a silence, and who ended it early. */
function SilenceAuthors({ silence }: { silence: Silence }) {
  const { created_by, updated_by } = silence;
  if (!created_by && !updated_by) return null;
  return (
    <p className="caption wrap-anywhere">
      {created_by && (
        <>
          created by <ActorName name={created_by} />
        </>
      )}
      {created_by && updated_by && ', '}
      {updated_by && (
        <>
          ended by <ActorName name={updated_by} />
        </>
      )}
    </p>
  );
}
