import { useId, useState } from 'react';
import { Button } from '@/components/ui/button';
import { DurationField } from '@/components/ui/duration-input';
import { Field, Input, NativeSelect } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { Failure } from '@/components/ui/notice';
import { Sheet } from '@/components/ui/sheet';
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
import { useFormProblems } from '@/features/alerts/use-form-problems';
import { capitalize } from '@/lib/format';

interface ChannelEditorProps {
  /** Null writes a new one. */
  channel: Channel | null;
  /** With the signing secret, where the answer told one. */
  onSaved: (name: string, secret: string | null) => void;
  onClose: () => void;
}

const FIELDS = ['name', 'kind', 'url', 'to', 'routing_key', 'delivery', 'minimum_severity'];

/** Asks where messages go, when, and from which severity on. */
export function ChannelEditor({ channel, onSaved, onClose }: ChannelEditorProps) {
  const [draft, setDraft] = useState(() => (channel === null ? NEW_CHANNEL : toDraft(channel)));
  const save = useSave<NewChannel, Channel>(CHANNELS);
  const { channel: written, problems } = readDraft({ draft, isKnown: channel !== null });
  const { problemOf, showAll, stray } = useFormProblems({
    problems,
    error: save.error,
    fields: FIELDS,
  });
  const formId = useId();
  const set = (changes: Partial<ChannelDraft>) => {
    save.reset();
    setDraft({ ...draft, ...changes });
  };
  const submit = async () => {
    showAll();
    if (Object.keys(problems).length > 0) return;
    await save
      .mutateAsync({ id: channel?.id ?? null, body: written })
      .then((answer) => onSaved(written.name, secretIn(answer)))
      .catch(() => {
        // Told beside the field, or below the form.
      });
  };
  return (
    <Sheet
      title={channel === null ? 'New channel' : `Edit “${channel.name}”`}
      description="Where to send alert notifications."
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="solid" type="submit" form={formId} disabled={save.isPending}>
            {save.isPending ? 'Saving…' : 'Save channel'}
          </Button>
        </>
      }
    >
      <Form id={formId} label="Channel" onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Name" error={problemOf('name')}>
          {(control) => (
            <Input
              {...control}
              value={draft.name}
              maxLength={100}
              onChange={({ target }) => set({ name: target.value })}
            />
          )}
        </Field>
        {channel === null && (
          <Field
            label="Type"
            hint="For this browser, use “Send alerts to this device” at the top of the page."
            error={problemOf('kind')}
          >
            {(control) => (
              <NativeSelect
                {...control}
                value={draft.kind}
                onChange={({ target }) =>
                  set({ kind: WRITABLE_KINDS.find((kind) => kind === target.value) ?? 'webhook' })
                }
              >
                {WRITABLE_KINDS.map((kind) => (
                  <option key={kind} value={kind}>
                    {KIND_NAMES[kind]}
                  </option>
                ))}
              </NativeSelect>
            )}
          </Field>
        )}
        <Target draft={draft} isKnown={channel !== null} problemOf={problemOf} onChange={set} />
        <Field label="Minimum severity" error={problemOf('minimum_severity')}>
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
                  {severity === 'critical' ? 'Critical only' : `${capitalize(severity)} and above`}
                </option>
              ))}
            </NativeSelect>
          )}
        </Field>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label="Delivery">
            {(control) => (
              <NativeSelect
                {...control}
                value={draft.mode}
                onChange={({ target }) =>
                  set({ mode: target.value === 'digest' ? 'digest' : 'immediate' })
                }
              >
                <option value="immediate">Immediate</option>
                <option value="digest">Digest</option>
              </NativeSelect>
            )}
          </Field>
          {draft.mode === 'digest' && (
            <DurationField
              label="Digest interval"
              error={problemOf('delivery')}
              seconds={draft.everySeconds}
              onChange={(everySeconds) => set({ everySeconds })}
            />
          )}
        </div>
        <label className="flex items-start gap-2 text-[13px]">
          <input
            type="checkbox"
            className="mt-0.5 size-4 accent-brand"
            checked={draft.serviceAlerts}
            onChange={({ target }) => set({ serviceAlerts: target.checked })}
          />
          <span>
            <span className="font-medium">Service alerts</span>
            <span className="caption block">
              Problems with Groundswell itself, sent immediately, even if PostgreSQL or Redis is
              down.
            </span>
          </span>
        </label>
        {stray !== null && <Failure what="The channel could not be saved" error={stray} />}
      </Form>
    </Sheet>
  );
}

interface TargetProps {
  draft: ChannelDraft;
  isKnown: boolean;
  problemOf: (field: string) => string | null;
  onChange: (changes: Partial<ChannelDraft>) => void;
}

/** What the kind needs to know; secrets there already are stay where nothing is typed. */
function Target({ draft, isKnown, problemOf, onChange }: TargetProps) {
  const stays = isKnown ? { hint: 'Already set. Leave empty to keep it.' } : {};
  switch (draft.kind) {
    case 'webhook':
    case 'slack':
      return (
        <Field
          label={draft.kind === 'slack' ? 'Incoming webhook URL' : 'URL'}
          error={problemOf('url')}
          {...(draft.kind === 'slack'
            ? stays
            : { hint: 'Messages are signed. The signing secret is shown once.' })}
        >
          {(control) => (
            <Input
              {...control}
              type="url"
              placeholder="https://"
              value={draft.url}
              onChange={({ target }) => onChange({ url: target.value })}
            />
          )}
        </Field>
      );
    case 'email':
      return (
        <Field label="To" hint="Separate multiple addresses with commas." error={problemOf('to')}>
          {(control) => (
            <Input
              {...control}
              type="text"
              inputMode="email"
              value={draft.to}
              onChange={({ target }) => onChange({ to: target.value })}
            />
          )}
        </Field>
      );
    case 'pagerduty':
      return (
        <Field label="Integration key" error={problemOf('routing_key')} {...stays}>
          {(control) => (
            <Input
              {...control}
              type="password"
              autoComplete="off"
              value={draft.routingKey}
              onChange={({ target }) => onChange({ routingKey: target.value })}
            />
          )}
        </Field>
      );
    case 'web_push':
      return null;
  }
}
