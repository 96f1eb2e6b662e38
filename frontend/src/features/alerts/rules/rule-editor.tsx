import { DurationField } from '@/components/ui/duration-input';
import { EditorSheet } from '@/components/ui/editor';
import { SelectField, TextField } from '@/components/ui/field';
import { RULE_DIMENSIONS, SEVERITIES, type Channel, type Rule } from '@/features/alerts/api/wire';
import { KeyField } from '@/features/alerts/components/key-field';
import { ChannelChoice } from '@/features/alerts/rules/channel-choice';
import {
  checksSinglePosts,
  NEW_DRAFT,
  readDraft,
  toDraft,
  withMetric,
  type RuleDraft,
} from '@/features/alerts/rules/draft';
import { METRICS, UNITS, unitOf } from '@/features/alerts/rules/metrics';
import { RulePreviewChart } from '@/features/alerts/rules/preview-chart';
import { useSaveRule } from '@/features/alerts/rules/use-save-rule';
import { capitalize } from '@/lib/format';
import { useEditor } from '@/lib/use-editor';

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

const METRIC_OPTIONS = METRICS.map(({ name, text }) => ({ value: name, text }));

const SCOPE_OPTIONS = RULE_DIMENSIONS.map((value) => ({
  value,
  text: value === 'overall' ? 'All posts' : `By ${value}`,
}));

const COMPARISON_OPTIONS = [
  { value: 'above', text: 'Too high' },
  { value: 'below', text: 'Too low' },
] as const;

const SEVERITY_OPTIONS = SEVERITIES.map((value) => ({ value, text: capitalize(value) }));

interface RuleEditorProps {
  /** Null for a new rule. */
  rule: Rule | null;
  channels: readonly Channel[];
  onClose: () => void;
}

/** The form for a rule, with a preview of what it would have done over the last 24 hours. */
export function RuleEditor({ rule, channels, onClose }: RuleEditorProps) {
  const mutation = useSaveRule(rule?.id ?? null);
  const editor = useEditor({
    initial: () => (rule === null ? NEW_DRAFT : toDraft(rule)),
    read: readEditor,
    fields: FIELDS,
    mutation,
    onSaved: onClose,
  });
  const { draft, set, problemOf } = editor;
  const isFixed = rule !== null && checksSinglePosts(rule);
  const isAbove = draft.comparison === 'above';
  const { suffix } = UNITS[unitOf(draft.metric)];
  // The preview does not need a name.
  const canPreview = Object.keys(editor.problems).every((field) => field === 'name');
  return (
    <EditorSheet
      title={rule === null ? 'New rule' : `Edit “${rule.name}”`}
      description={
        rule?.builtin
          ? 'A built-in rule. You can edit it or turn it off, but not delete it.'
          : 'When should this rule alert?'
      }
      noun="rule"
      editor={editor}
      onClose={onClose}
    >
      <TextField
        label="Name"
        error={problemOf('name')}
        maxLength={100}
        placeholder="Shown in the alert"
        value={draft.name}
        onChange={(name) => set({ name })}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <SelectField
          label="Metric"
          error={problemOf('metric')}
          disabled={isFixed}
          value={draft.metric}
          options={METRIC_OPTIONS}
          onChange={(metric) => set(withMetric(draft, metric))}
        />
        <DurationField
          label="Window"
          error={problemOf('window_seconds')}
          seconds={draft.windowSeconds}
          onChange={(windowSeconds) => set({ windowSeconds })}
        />
        <SelectField
          label="Scope"
          error={problemOf('scope') ?? problemOf('scope.dimension')}
          disabled={isFixed}
          value={draft.dimension}
          options={SCOPE_OPTIONS}
          onChange={(dimension) => set({ dimension })}
        />
        {draft.dimension !== 'overall' && (
          <KeyField
            dimension={draft.dimension}
            hint={`Leave empty to alert on each ${draft.dimension} separately.`}
            error={problemOf('scope.key')}
            disabled={isFixed}
            placeholder={`Every ${draft.dimension}`}
            value={draft.key}
            rejection={mutation.error}
            confirmed={draft.confirmedKey}
            onChange={(key) => set({ key })}
            onConfirm={(confirmedKey) => set({ confirmedKey })}
          />
        )}
      </div>
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        <SelectField
          label="Alert when the value is"
          error={problemOf('comparison')}
          disabled={isFixed}
          className="max-sm:col-span-2"
          value={draft.comparison}
          options={COMPARISON_OPTIONS}
          onChange={(comparison) => set({ comparison })}
        />
        <TextField
          label={`${isAbove ? 'Alert above' : 'Alert below'} (${suffix})`}
          error={problemOf('threshold')}
          inputMode="decimal"
          value={draft.threshold}
          onChange={(threshold) => set({ threshold })}
        />
        <TextField
          label={`${isAbove ? 'Resolve below' : 'Resolve above'} (${suffix})`}
          error={problemOf('clear_threshold')}
          inputMode="decimal"
          value={draft.clearThreshold}
          onChange={(clearThreshold) => set({ clearThreshold })}
        />
      </div>
      <RulePreviewChart rule={canPreview ? editor.value.rule : null} />
      <div className="grid grid-cols-2 gap-3">
        <TextField
          label="Minimum posts"
          hint={
            isFixed
              ? 'This rule checks individual posts.'
              : 'With fewer posts, the rule does not fire.'
          }
          error={problemOf('minimum_volume')}
          disabled={isFixed}
          inputMode="numeric"
          value={draft.minimumVolume}
          onChange={(minimumVolume) => set({ minimumVolume })}
        />
        <SelectField
          label="Severity"
          error={problemOf('severity')}
          value={draft.severity}
          options={SEVERITY_OPTIONS}
          onChange={(severity) => set({ severity })}
        />
      </div>
      <div className="grid gap-3 sm:grid-cols-3">
        <DurationField
          label="Pending period"
          hint={
            isFixed
              ? 'This rule checks individual posts.'
              : 'How long the condition must hold before the alert fires.'
          }
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
    </EditorSheet>
  );
}

function readEditor(draft: RuleDraft) {
  const { value, problems } = readDraft(draft);
  return { value: { rule: value, confirmedKey: draft.confirmedKey }, problems };
}
