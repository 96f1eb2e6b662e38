import { useId } from 'react';
import { Button } from '@/components/ui/button';
import { DurationField } from '@/components/ui/duration-input';
import { EditorSheet } from '@/components/ui/editor';
import { Checkbox } from '@/components/ui/checkbox';
import { SelectField, TextField } from '@/components/ui/field';
import { KeyField } from '@/features/alerts/components/key-field';
import { RULE_DIMENSIONS, SEVERITIES, type Rule } from '@/features/alerts/api/wire';
import {
  describeSilence,
  hasKeys,
  matchesEverything,
  NEW_SILENCE,
  readSilence,
  SILENCE_PRESETS,
  type SilenceDraft,
} from '@/features/alerts/silences/draft';
import { useStartSilence } from '@/features/alerts/silences/use-start-silence';
import { capitalize, formatDate } from '@/lib/format';
import { useEditor, type Problems } from '@/lib/use-editor';
import { localZone, toWallClock } from '@/lib/zone';

const FIELDS = ['rule_id', 'dimension', 'key', 'severity', 'starts_at', 'ends_at', 'comment'];

const START_OPTIONS = [
  { value: 'now', text: 'Now' },
  { value: 'later', text: 'Later' },
] as const;

const HOUR_MS = 3_600_000;

const SCOPE_OPTIONS = [
  { value: '', text: 'Any' },
  ...RULE_DIMENSIONS.map((value) => ({
    value,
    text: value === 'overall' ? 'All posts' : capitalize(value),
  })),
];

const SEVERITY_OPTIONS = [
  { value: '', text: 'Any' },
  ...SEVERITIES.map((value) => ({ value, text: `${capitalize(value)} only` })),
];

interface SilenceEditorProps {
  rules: readonly Rule[];
  onClose: () => void;
}

/** The form for a silence: which alerts send no notifications, and for how long. */
export function SilenceEditor({ rules, onClose }: SilenceEditorProps) {
  const mutation = useStartSilence();
  const editor = useEditor({
    initial: NEW_SILENCE,
    read: checkDraft,
    fields: FIELDS,
    mutation,
    onSaved: onClose,
  });
  const { draft, set, problemOf } = editor;
  const everythingId = useId();
  const isLater = draft.startsAt !== null;
  const ruleOptions = rules.map(({ id, name }) => ({ value: id, text: name }));
  return (
    <EditorSheet
      title="New silence"
      description="Silenced alerts still open and appear here, but no notifications are sent."
      noun="silence"
      editor={editor}
      onClose={onClose}
    >
      <div className="grid gap-3 sm:grid-cols-2">
        <SelectField
          label="Starts"
          value={isLater ? 'later' : 'now'}
          options={START_OPTIONS}
          onChange={(start) => set({ startsAt: start === 'now' ? null : inAnHour() })}
        />
        {draft.startsAt !== null && (
          <TextField
            label="Start time"
            hint={`Time zone: ${localZone()}`}
            error={problemOf('starts_at')}
            type="datetime-local"
            value={draft.startsAt}
            onChange={(startsAt) => set({ startsAt })}
          />
        )}
      </div>
      <div>
        <div role="group" aria-label="Preset durations" className="mb-2 flex flex-wrap gap-1.5">
          {SILENCE_PRESETS.map(({ seconds, text }) => (
            <Button
              key={seconds}
              aria-pressed={draft.seconds === seconds}
              className={draft.seconds === seconds ? 'border-brand! bg-highlight!' : ''}
              onClick={() => set({ seconds })}
            >
              {text}
            </Button>
          ))}
        </div>
        <DurationField
          // Remounts for each preset to show its duration.
          key={SILENCE_PRESETS.find(({ seconds }) => seconds === draft.seconds)?.text ?? ''}
          label="Duration"
          error={problemOf('ends_at')}
          seconds={draft.seconds}
          onChange={(seconds) => set({ seconds })}
        />
      </div>
      <SelectField
        label="Rule"
        error={problemOf('rule_id')}
        value={draft.ruleId}
        options={[{ value: '', text: 'All rules and signals' }, ...ruleOptions]}
        onChange={(ruleId) => set({ ruleId })}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <SelectField
          label="Scope"
          error={problemOf('dimension')}
          value={draft.dimension}
          options={SCOPE_OPTIONS}
          onChange={(dimension) => set({ dimension })}
        />
        {hasKeys(draft.dimension) && (
          <div className="flex flex-col gap-1.5">
            <KeyField
              dimension={draft.dimension}
              error={problemOf('key')}
              disabled={draft.isEveryKey}
              rejection={mutation.error}
              confirmed={draft.confirmedKey}
              value={draft.key}
              onChange={(key) => set({ key })}
              onConfirm={(confirmedKey) => set({ confirmedKey })}
            />
            <Checkbox checked={draft.isEveryKey} onChange={(isEveryKey) => set({ isEveryKey })}>
              Every {draft.dimension}
            </Checkbox>
          </div>
        )}
      </div>
      <SelectField
        label="Severity"
        error={problemOf('severity')}
        value={draft.severity}
        options={SEVERITY_OPTIONS}
        onChange={(severity) => set({ severity })}
      />
      <TextField
        label="Comment"
        hint="Why these alerts are silenced."
        error={problemOf('comment')}
        maxLength={500}
        value={draft.comment}
        onChange={(comment) => set({ comment })}
      />
      {matchesEverything(draft) && (
        <div>
          <Checkbox
            checked={draft.isEverything}
            errorId={problemOf('everything') === null ? undefined : everythingId}
            onChange={(isEverything) => set({ isEverything })}
          >
            Silence all alerts
          </Checkbox>
          <p id={everythingId} className="mt-1 text-xs font-medium text-critical">
            {problemOf('everything')}
          </p>
        </div>
      )}
      <p className="rounded-md bg-sunken px-3 py-2 text-sm" role="status">
        {describeDraft(draft, rules)}
      </p>
    </EditorSheet>
  );
}

/** The draft itself is saved: a silence that starts now ends the chosen duration after it is submitted. */
function checkDraft(draft: SilenceDraft): { value: SilenceDraft; problems: Problems } {
  return { value: draft, problems: readSilence(draft, Date.now()).problems };
}

function describeDraft(draft: SilenceDraft, rules: readonly Rule[]): string {
  const { value, problems } = readSilence(draft, Date.now());
  const isUnclear = problems['key'] !== undefined || problems['everything'] !== undefined;
  if (isUnclear) return 'Choose which alerts to silence.';
  const what = capitalize(describeSilence(value, rules));
  if (problems['starts_at'] !== undefined || problems['ends_at'] !== undefined) {
    return `${what} will be silenced.`;
  }
  const from = value.starts_at ? `from ${formatDate(value.starts_at)} ` : '';
  return `${what} will be silenced ${from}until ${formatDate(value.ends_at)}.`;
}

function inAnHour(): string {
  return toWallClock(Date.now() + HOUR_MS, localZone());
}
