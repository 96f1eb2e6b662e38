import { Button } from '@/components/ui/button';
import { DurationField } from '@/components/ui/duration-input';
import { EditorSheet } from '@/components/ui/editor';
import { SelectField, TextField } from '@/components/ui/field';
import { RULE_DIMENSIONS, SEVERITIES, type Rule } from '@/features/alerts/api/wire';
import {
  describeSilence,
  NEW_SILENCE,
  readSilence,
  SILENCE_PRESETS,
  type SilenceDraft,
} from '@/features/alerts/silences/draft';
import { useStartSilence } from '@/features/alerts/silences/use-start-silence';
import { capitalize } from '@/lib/format';
import { useEditor, type Problems } from '@/lib/use-editor';

const FIELDS = ['rule_id', 'dimension', 'key', 'severity', 'ends_at', 'comment'];

const SCOPE_OPTIONS = [
  { value: '', text: 'Any' },
  ...RULE_DIMENSIONS.map((value) => ({ value, text: capitalize(value) })),
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
  const editor = useEditor({
    initial: NEW_SILENCE,
    read: checkDraft,
    fields: FIELDS,
    mutation: useStartSilence(),
    onSaved: onClose,
  });
  const { draft, set, problemOf } = editor;
  const ruleOptions = rules.map(({ id, name }) => ({ value: id, text: name }));
  return (
    <EditorSheet
      title="New silence"
      description="Silenced alerts still open and appear here, but no notifications are sent."
      noun="silence"
      editor={editor}
      onClose={onClose}
    >
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
        {draft.dimension !== '' && draft.dimension !== 'overall' && (
          <TextField
            label={`Which ${draft.dimension}`}
            hint={`Leave empty to match any ${draft.dimension}.`}
            error={problemOf('key')}
            value={draft.key}
            onChange={(key) => set({ key })}
          />
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
      <p className="rounded-lg bg-sunken px-3 py-2 text-[13px]" role="status">
        {capitalize(describeSilence(readSilence(draft, 0), rules))} will be silenced.
      </p>
    </EditorSheet>
  );
}

/** The draft itself is saved: the silence starts when it is submitted. */
function checkDraft(draft: SilenceDraft): { value: SilenceDraft; problems: Problems } {
  return { value: draft, problems: draft.seconds > 0 ? {} : { ends_at: 'Choose a duration.' } };
}
