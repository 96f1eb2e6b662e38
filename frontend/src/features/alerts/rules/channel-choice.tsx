import type { Channel } from '@/features/alerts/api/wire';

interface ChannelChoiceProps {
  channels: readonly Channel[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}

/** The channels that a rule notifies; none means every channel that accepts its severity. */
export function ChannelChoice({ channels, chosen, onChange }: ChannelChoiceProps) {
  return (
    <fieldset>
      <legend className="text-sm font-medium">Notify via</legend>
      {channels.length === 0 ? (
        <p className="caption">
          No notification channels yet. Alerts appear only in the dashboard.
        </p>
      ) : (
        <>
          <ul className="mt-1 flex flex-wrap gap-x-4 gap-y-1">
            {channels.map(({ id, name }) => (
              <li key={id}>
                <label className="flex items-center gap-1.5 text-sm">
                  <input
                    type="checkbox"
                    className="size-4 accent-brand"
                    checked={chosen.includes(id)}
                    onChange={({ target }) =>
                      onChange(
                        target.checked ? [...chosen, id] : chosen.filter((other) => other !== id),
                      )
                    }
                  />
                  {name}
                </label>
              </li>
            ))}
          </ul>
          <p className="caption mt-1">
            If none is selected, alerts go to every notification channel that accepts their
            severity.
          </p>
        </>
      )}
    </fieldset>
  );
}
