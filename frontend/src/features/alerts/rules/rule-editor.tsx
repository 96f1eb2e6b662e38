import { useId, useState } from 'react';
import { Button } from '@/components/ui/button';
import { DurationField } from '@/components/ui/duration-input';
import { Field, Input, NativeSelect } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { Failure } from '@/components/ui/notice';
import { Sheet } from '@/components/ui/sheet';
import { RULES } from '@/features/alerts/api/resources';
import { useSave } from '@/features/alerts/api/use-resource';
import {
  RULE_DIMENSIONS,
  SEVERITIES,
  type Channel,
  type NewRule,
  type Rule,
} from '@/features/alerts/api/wire';
import { ChannelChoice } from '@/features/alerts/rules/channel-choice';
import {
  isBySinglePosts,
  NEW_DRAFT,
  readDraft,
  toDraft,
  withMetric,
  type RuleDraft,
} from '@/features/alerts/rules/draft';
import { METRICS, UNITS, unitOf } from '@/features/alerts/rules/metrics';
import { RulePreviewChart } from '@/features/alerts/rules/preview-chart';
import { useFormProblems } from '@/features/alerts/use-form-problems';
import { capitalize } from '@/lib/format';

const FIELDS = [
  'name',
  'metric',
  'scope',
  'scope.dimension',
  'scope.key',
  'window_seconds',
  'comparison',
  'threshold',
  'clear_threshold',
  'minimum_volume',
  'severity',
  'for_seconds',
  'keep_firing_seconds',
  'cooldown_seconds',
];

interface RuleEditorProps {
  /** Null writes a new one. */
  rule: Rule | null;
  channels: readonly Channel[];
  onClose: () => void;
}

/** Writes a rule, with what it would have done on the last day drawn beside it. */
export function RuleEditor({ rule, channels, onClose }: RuleEditorProps) {
  const [draft, setDraft] = useState(() => (rule === null ? NEW_DRAFT : toDraft(rule)));
  const save = useSave<NewRule, Rule>(RULES);
  const { rule: written, problems } = readDraft(draft);
  const { problemOf, showAll, stray } = useFormProblems({
    problems,
    error: save.error,
    fields: FIELDS,
  });
  const formId = useId();
  const set = (changes: Partial<RuleDraft>) => {
    save.reset();
    setDraft({ ...draft, ...changes });
  };
  const submit = async () => {
    showAll();
    if (Object.keys(problems).length > 0) return;
    await save
      .mutateAsync({ id: rule?.id ?? null, body: written })
      .then(onClose)
      .catch(() => {
        // Told beside the field, or below the form.
      });
  };
  const isFixed = rule !== null && isBySinglePosts(rule);
  const { suffix } = UNITS[unitOf(draft.metric)];
  // A name is not needed to draw it.
  const canPreview = Object.keys(problems).every((field) => field === 'name');
  return (
    <Sheet
      title={rule === null ? 'New rule' : `Edit “${rule.name}”`}
      description={
        rule?.builtin
          ? 'A built-in rule. You can edit it or turn it off, but not delete it.'
          : 'When should this rule alert?'
      }
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="solid" type="submit" form={formId} disabled={save.isPending}>
            {save.isPending ? 'Saving…' : 'Save rule'}
          </Button>
        </>
      }
    >
      <Form id={formId} label="Rule" onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Name" error={problemOf('name')}>
          {(control) => (
            <Input
              {...control}
              value={draft.name}
              maxLength={100}
              placeholder="Shown in the alert"
              onChange={({ target }) => set({ name: target.value })}
            />
          )}
        </Field>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label="Metric" error={problemOf('metric')} disabled={isFixed}>
            {(control) => (
              <NativeSelect
                {...control}
                value={draft.metric}
                onChange={({ target }) => {
                  save.reset();
                  setDraft(withMetric(draft, target.value));
                }}
              >
                {METRICS.map(({ name, text }) => (
                  <option key={name} value={name}>
                    {text}
                  </option>
                ))}
              </NativeSelect>
            )}
          </Field>
          <DurationField
            label="Window"
            error={problemOf('window_seconds')}
            seconds={draft.windowSeconds}
            onChange={(windowSeconds) => set({ windowSeconds })}
          />
          <Field
            label="Scope"
            error={problemOf('scope') ?? problemOf('scope.dimension')}
            disabled={isFixed}
          >
            {(control) => (
              <NativeSelect
                {...control}
                value={draft.dimension}
                onChange={({ target }) =>
                  set({
                    dimension:
                      RULE_DIMENSIONS.find((dimension) => dimension === target.value) ?? 'overall',
                  })
                }
              >
                {RULE_DIMENSIONS.map((dimension) => (
                  <option key={dimension} value={dimension}>
                    {dimension === 'overall' ? 'All posts' : `By ${dimension}`}
                  </option>
                ))}
              </NativeSelect>
            )}
          </Field>
          {draft.dimension !== 'overall' && (
            <Field
              label={`Which ${draft.dimension}`}
              hint={`Leave empty to alert on each ${draft.dimension} separately.`}
              error={problemOf('scope.key')}
              disabled={isFixed}
            >
              {(control) => (
                <Input
                  {...control}
                  value={draft.key}
                  placeholder={`Every ${draft.dimension}`}
                  onChange={({ target }) => set({ key: target.value })}
                />
              )}
            </Field>
          )}
        </div>
        <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
          <Field
            label="Alert when value is"
            error={problemOf('comparison')}
            disabled={isFixed}
            className="max-sm:col-span-2"
          >
            {(control) => (
              <NativeSelect
                {...control}
                value={draft.comparison}
                onChange={({ target }) =>
                  set({ comparison: target.value === 'below' ? 'below' : 'above' })
                }
              >
                <option value="above">Above the threshold</option>
                <option value="below">Below the threshold</option>
              </NativeSelect>
            )}
          </Field>
          <Field label={`Threshold (${suffix})`} error={problemOf('threshold')}>
            {(control) => (
              <Input
                {...control}
                inputMode="decimal"
                value={draft.threshold}
                onChange={({ target }) => set({ threshold: target.value })}
              />
            )}
          </Field>
          <Field label={`Clears at (${suffix})`} error={problemOf('clear_threshold')}>
            {(control) => (
              <Input
                {...control}
                inputMode="decimal"
                value={draft.clearThreshold}
                onChange={({ target }) => set({ clearThreshold: target.value })}
              />
            )}
          </Field>
        </div>
        <RulePreviewChart rule={canPreview ? written : null} />
        <div className="grid grid-cols-2 gap-3">
          <Field
            label="Minimum posts"
            hint={
              isFixed
                ? 'This rule checks individual posts.'
                : 'With fewer posts, the rule does not fire.'
            }
            error={problemOf('minimum_volume')}
            disabled={isFixed}
          >
            {(control) => (
              <Input
                {...control}
                inputMode="numeric"
                value={draft.minimumVolume}
                onChange={({ target }) => set({ minimumVolume: target.value })}
              />
            )}
          </Field>
          <Field label="Severity" error={problemOf('severity')}>
            {(control) => (
              <NativeSelect
                {...control}
                value={draft.severity}
                onChange={({ target }) =>
                  set({ severity: SEVERITIES.find((one) => one === target.value) ?? 'warning' })
                }
              >
                {SEVERITIES.map((severity) => (
                  <option key={severity} value={severity}>
                    {capitalize(severity)}
                  </option>
                ))}
              </NativeSelect>
            )}
          </Field>
        </div>
        <div className="grid gap-3 sm:grid-cols-3">
          <DurationField
            label="Pending period"
            hint={isFixed ? 'This rule checks individual posts.' : 'Before the alert fires.'}
            error={problemOf('for_seconds')}
            disabled={isFixed}
            seconds={draft.forSeconds}
            onChange={(forSeconds) => set({ forSeconds })}
          />
          <DurationField
            label="Keep firing for"
            hint="After the condition clears."
            error={problemOf('keep_firing_seconds')}
            seconds={draft.keepFiringSeconds}
            onChange={(keepFiringSeconds) => set({ keepFiringSeconds })}
          />
          <DurationField
            label="Cooldown"
            hint="Before the rule can fire again."
            error={problemOf('cooldown_seconds')}
            seconds={draft.cooldownSeconds}
            onChange={(cooldownSeconds) => set({ cooldownSeconds })}
          />
        </div>
        <ChannelChoice
          channels={channels}
          chosen={draft.channels}
          onChange={(chosen) => set({ channels: chosen })}
        />
        {stray !== null && <Failure what="The rule could not be saved" error={stray} />}
      </Form>
    </Sheet>
  );
}
