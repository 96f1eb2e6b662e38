import { useId, useState } from 'react';
import { Button } from '@/components/ui/button';
import { DurationField } from '@/components/ui/duration-input';
import { Field, Input, NativeSelect } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { Failure } from '@/components/ui/notice';
import { Sheet } from '@/components/ui/sheet';
import { RULE_DIMENSIONS, SEVERITIES, type Rule } from '@/features/alerts/api/wire';
import {
  describeSilence,
  readSilence,
  SILENCE_PRESETS,
  type SilenceDraft,
} from '@/features/alerts/silences/draft';
import { useStartSilence } from '@/features/alerts/silences/use-start-silence';
import { useFormProblems } from '@/features/alerts/use-form-problems';
import { capitalize } from '@/lib/format';

interface SilenceEditorProps {
  initial: SilenceDraft;
  rules: readonly Rule[];
  onClose: () => void;
}

const FIELDS = ['rule_id', 'dimension', 'key', 'severity', 'ends_at', 'comment'];

/** Asks which alerts nobody shall be told of, and for how long. */
export function SilenceEditor({ initial, rules, onClose }: SilenceEditorProps) {
  const [draft, setDraft] = useState(initial);
  const save = useStartSilence();
  const problems: Record<string, string> =
    draft.seconds > 0 ? {} : { ends_at: 'Choose a duration.' };
  const { problemOf, showAll, stray } = useFormProblems({
    problems,
    error: save.error,
    fields: FIELDS,
  });
  const formId = useId();
  const set = (changes: Partial<SilenceDraft>) => {
    save.reset();
    setDraft({ ...draft, ...changes });
  };
  const submit = async () => {
    showAll();
    if (Object.keys(problems).length > 0) return;
    await save
      .mutateAsync(draft)
      .then(onClose)
      .catch(() => {
        // Told beside the field, or below the form.
      });
  };
  return (
    <Sheet
      title="New silence"
      description="Silenced alerts still open and appear here, but no notifications are sent."
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="solid" type="submit" form={formId} disabled={save.isPending}>
            {save.isPending ? 'Saving…' : 'Save silence'}
          </Button>
        </>
      }
    >
      <Form id={formId} label="Silence" onSubmit={submit} className="flex flex-col gap-4">
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
            // Anew for each preset, so that it shows what was pressed.
            key={SILENCE_PRESETS.find(({ seconds }) => seconds === draft.seconds)?.text ?? ''}
            label="Duration"
            error={problemOf('ends_at')}
            seconds={draft.seconds}
            onChange={(seconds) => set({ seconds })}
          />
        </div>
        <Field label="Rule" error={problemOf('rule_id')}>
          {(control) => (
            <NativeSelect
              {...control}
              value={draft.ruleId}
              onChange={({ target }) => set({ ruleId: target.value })}
            >
              <option value="">All rules and signals</option>
              {rules.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </NativeSelect>
          )}
        </Field>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label="Scope" error={problemOf('dimension')}>
            {(control) => (
              <NativeSelect
                {...control}
                value={draft.dimension}
                onChange={({ target }) => set({ dimension: target.value })}
              >
                <option value="">Any</option>
                {RULE_DIMENSIONS.map((dimension) => (
                  <option key={dimension} value={dimension}>
                    {dimension === 'overall' ? 'Overall' : capitalize(dimension)}
                  </option>
                ))}
              </NativeSelect>
            )}
          </Field>
          {draft.dimension !== '' && draft.dimension !== 'overall' && (
            <Field
              label={`Which ${draft.dimension}`}
              hint={`Leave empty to match any ${draft.dimension}.`}
              error={problemOf('key')}
            >
              {(control) => (
                <Input
                  {...control}
                  value={draft.key}
                  onChange={({ target }) => set({ key: target.value })}
                />
              )}
            </Field>
          )}
        </div>
        <Field label="Severity" error={problemOf('severity')}>
          {(control) => (
            <NativeSelect
              {...control}
              value={draft.severity}
              onChange={({ target }) => set({ severity: target.value })}
            >
              <option value="">Any</option>
              {SEVERITIES.map((severity) => (
                <option key={severity} value={severity}>
                  {capitalize(severity)} only
                </option>
              ))}
            </NativeSelect>
          )}
        </Field>
        <Field label="Comment" hint="Why these alerts are silenced." error={problemOf('comment')}>
          {(control) => (
            <Input
              {...control}
              value={draft.comment}
              maxLength={500}
              onChange={({ target }) => set({ comment: target.value })}
            />
          )}
        </Field>
        <p className="rounded-lg bg-sunken px-3 py-2 text-[13px]" role="status">
          {capitalize(describeSilence(readSilence(draft, 0), rules))} will be silenced.
        </p>
        {stray !== null && <Failure what="The silence could not be saved" error={stray} />}
      </Form>
    </Sheet>
  );
}
