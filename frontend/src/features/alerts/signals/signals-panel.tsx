import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { Failure, Notice, Skeleton } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { paths } from '@/config/paths';
import { SENSITIVITIES, type SignalSettings } from '@/features/alerts/api/wire';
import { useFormProblems } from '@/features/alerts/use-form-problems';
import { getJson, sendJson } from '@/lib/api-client';
import { capitalize } from '@/lib/format';

const SETTINGS_KEY = ['signal-settings'];

const MEANINGS: Record<SignalSettings['sensitivity'], string> = {
  off: 'Only rules open alerts.',
  low: 'Only large deviations. Few alerts, but later ones.',
  balanced: 'Changes you would notice on a chart.',
  high: 'Small changes too. Expect some false alarms.',
};

/** How readily an unexpected change opens an alert without any rule. */
export function SignalsPanel() {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: SETTINGS_KEY,
    queryFn: ({ signal }) => getJson<SignalSettings>(paths.signalSettings, {}, signal),
  });
  return (
    <Panel title="Signals" note="unusual changes, detected without rules">
      <p className="mt-1 max-w-prose text-[13.5px] text-ink-soft">
        Groundswell compares volume, sentiment, and the shares of products and cities with their own
        history at the same time of day and week. An unusual change opens an alert with the
        evidence.
      </p>
      {isPending && <Skeleton rows={4} label="Loading signal settings" />}
      {error !== null && (
        <Failure
          className="mt-2"
          what="The signal settings could not be loaded"
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      {data !== undefined && <SettingsForm settings={data} />}
    </Panel>
  );
}

function SettingsForm({ settings }: { settings: SignalSettings }) {
  const client = useQueryClient();
  const [sensitivity, setSensitivity] = useState(settings.sensitivity);
  const [volume, setVolume] = useState(String(settings.minimum_volume));
  const save = useMutation({
    mutationFn: (body: SignalSettings) =>
      sendJson<SignalSettings | null>('PUT', paths.signalSettings, body),
    onSuccess: (_, body) => client.setQueryData(SETTINGS_KEY, body),
  });
  const minimum_volume = volume.trim() === '' ? Number.NaN : Number(volume);
  const problems: Record<string, string> =
    Number.isInteger(minimum_volume) && minimum_volume >= 10 && minimum_volume <= 1_000_000
      ? {}
      : { minimum_volume: 'Enter a whole number between 10 and 1,000,000.' };
  const { problemOf, showAll, stray } = useFormProblems({
    problems,
    error: save.error,
    fields: ['minimum_volume', 'sensitivity'],
  });
  const isChanged =
    sensitivity !== settings.sensitivity || volume !== String(settings.minimum_volume);
  return (
    <Form
      label="Signal settings"
      className="mt-3 flex max-w-xl flex-col gap-4"
      onSubmit={() => {
        showAll();
        if (Object.keys(problems).length === 0) save.mutate({ sensitivity, minimum_volume });
      }}
    >
      <fieldset>
        <legend className="text-[13px] font-medium">Sensitivity</legend>
        <div className="mt-1.5 grid gap-2 sm:grid-cols-2">
          {SENSITIVITIES.map((choice) => (
            <label
              key={choice}
              className="flex gap-2.5 rounded-lg border border-line bg-raised px-3 py-2.5 has-checked:border-brand has-checked:bg-highlight"
            >
              <input
                type="radio"
                name="sensitivity"
                className="mt-0.5 size-4 shrink-0 accent-brand"
                checked={sensitivity === choice}
                onChange={() => setSensitivity(choice)}
              />
              <span>
                <span className="block text-[13.5px] font-semibold">{capitalize(choice)}</span>
                <span className="block text-[12.5px] text-ink-soft">{MEANINGS[choice]}</span>
              </span>
            </label>
          ))}
        </div>
      </fieldset>
      <Field
        label="Minimum posts"
        hint="Time steps with fewer posts are ignored: three out of four is not a trend."
        error={problemOf('minimum_volume')}
      >
        {(control) => (
          <Input
            {...control}
            inputMode="numeric"
            className="max-w-32"
            value={volume}
            onChange={({ target }) => {
              save.reset();
              setVolume(target.value);
            }}
          />
        )}
      </Field>
      {stray !== null && <Failure what="The settings could not be saved" error={stray} />}
      <div className="flex items-center gap-3">
        <Button look="solid" type="submit" disabled={!isChanged || save.isPending}>
          {save.isPending ? 'Saving…' : 'Save'}
        </Button>
        {save.isSuccess && !isChanged && <Notice tone="good">Saved.</Notice>}
      </div>
    </Form>
  );
}
