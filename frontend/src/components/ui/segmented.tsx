import { clsx } from 'clsx';
import { ToggleGroup } from 'radix-ui';

interface SegmentedProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly { value: Value; text: string; name?: string }[];
  onChange: (value: Value) => void;
}

/** A choice between a few options; the arrow keys move between them. */
export function Segmented<Value extends string>(props: SegmentedProps<Value>) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={props.label}
      value={props.value}
      // Pressing the selected option again would deselect it.
      onValueChange={(value) => {
        if (value !== '') props.onChange(value as Value);
      }}
      className="inline-flex h-8 items-center rounded-md bg-sunken p-0.5 ring-1 ring-line ring-inset"
    >
      {props.options.map(({ value, text, name }) => (
        <ToggleGroup.Item
          key={value}
          value={value}
          aria-label={name}
          className={clsx(
            'h-7 rounded-md px-2.5 text-sm font-medium text-ink-soft transition-colors hover:text-ink',
            'data-[state=on]:bg-raised data-[state=on]:text-ink data-[state=on]:shadow-panel',
          )}
        >
          {text}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
