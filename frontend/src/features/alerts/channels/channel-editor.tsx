import { DurationField } from '@/components/ui/duration-input';
import { EditorSheet } from '@/components/ui/editor';
import { SelectField, TextField } from '@/components/ui/field';
import { CHANNELS } from '@/features/alerts/api/resources';
import { useSave } from '@/features/alerts/api/use-resource';
import { SEVERITIES, type Channel, type NewChannel } from '@/features/alerts/api/wire';
import {
  KIND_NAMES,
  NEW_CHANNEL,
  readDraft,
  secretIn,
  toDraft,
  WRITABLE_KINDS,
  type ChannelDraft,
} from '@/features/alerts/channels/draft';
import { capitalize } from '@/lib/format';
import { useEditor } from '@/lib/use-editor';

const FIELDS = ['name', 'kind', 'url', 'to', 'routing_key', 'delivery', 'minimum_severity'];

const KIND_OPTIONS = WRITABLE_KINDS.map((value) => ({ value, text: KIND_NAMES[value] }));

const SEVERITY_OPTIONS = SEVERITIES.map((value) => ({
  value,
  text: value === 'critical' ? 'Critical only' : `${capitalize(value)} and above`,
}));

const DELIVERY_OPTIONS = [
  { value: 'immediate', text: 'Immediate' },
  { value: 'digest', text: 'Digest' },
] as const;

interface ChannelEditorProps {
  /** Null for a new channel. */
  channel: Channel | null;
  /** `secret` is the signing secret, if the response contains one. */
  onSaved: (name: string, secret: string | null) => void;
  onClose: () => void;
}

/** The form for a channel: where messages go, when, and from which severity. */
export function ChannelEditor({ channel, onSaved, onClose }: ChannelEditorProps) {
  const isSaved = channel !== null;
  const editor = useEditor({
    initial: () => (channel === null ? NEW_CHANNEL : toDraft(channel)),
    read: (draft: ChannelDraft) => readDraft({ draft, isSaved }),
    fields: FIELDS,
    mutation: useSave<NewChannel, Channel>(CHANNELS, channel?.id ?? null),
    onSaved: (answer, { name }) => onSaved(name, secretIn(answer)),
  });
  const { draft, set, problemOf } = editor;
  return (
    <EditorSheet
      title={channel === null ? 'New notification channel' : `Edit “${channel.name}”`}
      description="Where to send alert notifications."
      noun="notification channel"
      editor={editor}
      onClose={onClose}
    >
      <TextField
        label="Name"
        error={problemOf('name')}
        maxLength={100}
        value={draft.name}
        onChange={(name) => set({ name })}
      />
      {!isSaved && (
        <SelectField
          label="Type"
          hint="For this browser, use “Send alerts to this device” at the top of the page."
          error={problemOf('kind')}
          value={draft.kind}
          options={KIND_OPTIONS}
          onChange={(kind) => set({ kind })}
        />
      )}
      <Target draft={draft} isSaved={isSaved} problemOf={problemOf} onChange={set} />
      <SelectField
        label="Minimum severity"
        error={problemOf('minimum_severity')}
        value={draft.severity}
        options={SEVERITY_OPTIONS}
        onChange={(severity) => set({ severity })}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <SelectField
          label="Delivery"
          value={draft.mode}
          options={DELIVERY_OPTIONS}
          onChange={(mode) => set({ mode })}
        />
        {draft.mode === 'digest' && (
          <DurationField
            label="Digest interval"
            error={problemOf('delivery')}
            seconds={draft.everySeconds}
            onChange={(everySeconds) => set({ everySeconds })}
          />
        )}
      </div>
      <label className="flex items-start gap-2 text-sm">
        <input
          type="checkbox"
          className="mt-0.5 size-4 accent-brand"
          checked={draft.serviceAlerts}
          onChange={({ target }) => set({ serviceAlerts: target.checked })}
        />
        <span>
          <span className="font-medium">Service alerts</span>
          <span className="caption block">
            Problems with Groundswell itself, sent immediately, even if PostgreSQL or Redis is down.
          </span>
        </span>
      </label>
    </EditorSheet>
  );
}

interface TargetProps {
  draft: ChannelDraft;
  isSaved: boolean;
  problemOf: (field: string) => string | null;
  onChange: (changes: Partial<ChannelDraft>) => void;
}

/** The address or key that the kind of channel needs. */
function Target({ draft, isSaved, problemOf, onChange }: TargetProps) {
  const savedHint = isSaved && { hint: 'Already set. Leave empty to keep it.' };
  switch (draft.kind) {
    case 'webhook':
    case 'slack':
      return (
        <TextField
          label={draft.kind === 'slack' ? 'Incoming webhook URL' : 'URL'}
          error={problemOf('url')}
          {...(draft.kind === 'slack'
            ? savedHint
            : { hint: 'Messages are signed. The signing secret is shown once.' })}
          type="url"
          placeholder="https://"
          value={draft.url}
          onChange={(url) => onChange({ url })}
        />
      );
    case 'email':
      return (
        <TextField
          label="To"
          hint="Separate multiple addresses with commas."
          error={problemOf('to')}
          type="text"
          inputMode="email"
          value={draft.to}
          onChange={(to) => onChange({ to })}
        />
      );
    case 'pagerduty':
      return (
        <TextField
          label="Integration key"
          error={problemOf('routing_key')}
          {...savedHint}
          type="password"
          autoComplete="off"
          value={draft.routingKey}
          onChange={(routingKey) => onChange({ routingKey })}
        />
      );
    case 'web_push':
      return null;
  }
}
