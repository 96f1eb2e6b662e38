import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from '@/components/ui/button';
import { EditorForm } from '@/components/ui/editor';
import { TextField } from '@/components/ui/field';
import { Notice } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { paths } from '@/config/paths';
import { SENSITIVITIES, type SignalSettings } from '@/features/alerts/api/wire';
import { getJson, sendJson } from '@/lib/api-client';
import { capitalize } from '@/lib/format';
import { useMay } from '@/lib/me';
import { useEditor, type Problems } from '@/lib/use-editor';

const SETTINGS_KEY = ['signal-settings'];

const MEANINGS: Record<SignalSettings['sensitivity'], string> = {
  off: 'Only rules open alerts.',
  low: 'Large deviations only. Fewer alerts, but they open later.',
  balanced: 'Changes you would notice on a chart.',
  high: 'Small changes too. Expect some false alarms.',
};

/** How sensitive the detection of unusual changes is. */
export function SignalsPanel() {
  const query = useQuery({
    queryKey: SETTINGS_KEY,
    queryFn: ({ signal }) => getJson<SignalSettings>(paths.signalSettings, {}, signal),
  });
  return (
    <Panel title="Signals" note="unusual changes, detected without rules">
      <p className="mt-1 max-w-prose text-sm text-ink-soft">
        Groundswell compares volume, sentiment, and the shares of products and cities with their own
        history at the same time of day and week. An unusual change opens an alert with the
        evidence.
      </p>
      <QueryStatus query={query} what="signal settings" rows={4} />
      {query.data !== undefined && <SettingsForm settings={query.data} />}
    </Panel>
  );
}

function SettingsForm({ settings }: { settings: SignalSettings }) {
  const client = useQueryClient();
  const mutation = useMutation({
    mutationFn: (body: SignalSettings) =>
      sendJson<SignalSettings | null>('PUT', paths.signalSettings, body),
    onSuccess: (_, body) => client.setQueryData(SETTINGS_KEY, body),
  });
  const saved = toDraft(settings);
  const editor = useEditor({
    initial: saved,
    read: readDraft,
    fields: ['minimum_volume', 'sensitivity'],
    mutation,
    onSaved: () => undefined,
  });
  const { draft, set, problemOf, isSaving } = editor;
  const isChanged = draft.sensitivity !== saved.sensitivity || draft.volume !== saved.volume;
  const mayChange = useMay()('change_signal_settings');
  return (
    <EditorForm
      label="Signal settings"
      what="the signal settings"
      editor={editor}
      className="mt-3 flex max-w-xl flex-col gap-4"
      actions={
        mayChange ? (
          <div className="flex items-center gap-3">
            <Button look="solid" type="submit" disabled={!isChanged || isSaving}>
              {isSaving ? 'Saving…' : 'Save'}
            </Button>
            {mutation.isSuccess && !isChanged && <Notice tone="good">Saved.</Notice>}
          </div>
        ) : (
          <p className="text-sm text-ink-soft">Only admins change these settings.</p>
        )
      }
    >
      <fieldset disabled={!mayChange}>
        <legend className="text-sm font-medium">Sensitivity</legend>
        <div className="mt-1.5 grid gap-2 sm:grid-cols-2">
          {SENSITIVITIES.map((choice) => (
            <label
              key={choice}
              className="flex gap-2.5 rounded-md border border-line bg-raised px-3 py-2.5 has-checked:border-brand has-checked:bg-highlight"
            >
              <input
                type="radio"
                name="sensitivity"
                className="mt-0.5 size-4 shrink-0 accent-brand"
                checked={draft.sensitivity === choice}
                onChange={() => set({ sensitivity: choice })}
              />
              <span>
                <span className="block text-sm font-semibold">{capitalize(choice)}</span>
                <span className="block text-xs text-ink-soft">{MEANINGS[choice]}</span>
              </span>
            </label>
          ))}
        </div>
      </fieldset>
      <TextField
        label="Minimum posts"
        hint="Steps with fewer posts are ignored, because a few posts are not a trend."
        error={problemOf('minimum_volume')}
        disabled={!mayChange}
        inputMode="numeric"
        inputClassName="max-w-32"
        value={draft.volume}
        onChange={(volume) => set({ volume })}
      />
    </EditorForm>
  );
}

interface SettingsDraft {
  sensitivity: SignalSettings['sensitivity'];
  volume: string;
}

function toDraft({ sensitivity, minimum_volume }: SignalSettings): SettingsDraft {
  return { sensitivity, volume: String(minimum_volume) };
}

function readDraft({ sensitivity, volume }: SettingsDraft): {
  value: SignalSettings;
  problems: Problems;
} {
  const minimum_volume = volume.trim() === '' ? Number.NaN : Number(volume);
  const isValid =
    Number.isInteger(minimum_volume) && minimum_volume >= 10 && minimum_volume <= 1_000_000;
  return {
    value: { sensitivity, minimum_volume },
    problems: isValid ? {} : { minimum_volume: 'Enter a whole number between 10 and 1,000,000.' },
  };
}
