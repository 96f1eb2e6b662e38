import { Select as Radix } from 'radix-ui';
import { useEffect, useRef } from 'react';
import { CheckIcon } from '@/components/ui/icons';
import { SelectButton, type SelectProps } from '@/components/ui/select-button';

/** Radix reserves the empty string for “no selection”. */
const ALL = '*';

/** The list of a `Select`. It is loaded on demand, so it renders open. */
export default function SelectList({
  label,
  value,
  options,
  onChange,
  empty = 'None yet',
  onOpen,
}: SelectProps) {
  // Radix does not report the initial opening.
  const initialOnOpen = useRef(onOpen);
  useEffect(() => initialOnOpen.current?.(), []);
  return (
    <Radix.Root
      defaultOpen
      value={value ?? ALL}
      onOpenChange={(open) => open && onOpen?.()}
      onValueChange={(next) => onChange(next === ALL ? undefined : next)}
    >
      <Radix.Trigger asChild>
        <SelectButton label={label} value={value} options={options} />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          position="popper"
          sideOffset={4}
          className="z-50 max-h-80 min-w-44 overflow-hidden rounded-lg border border-line bg-raised p-1 shadow-lg"
        >
          <Radix.Viewport>
            <Option value={ALL} text={`All`} />
            <Radix.Separator className="my-1 h-px bg-line" />
            {options.length === 0 && (
              <p className="px-2 py-1.5 text-[13px] text-ink-soft">{empty}</p>
            )}
            {options.map((option) => (
              <Option key={option.value} {...option} />
            ))}
          </Radix.Viewport>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Option({ value, text, detail }: { value: string; text: string; detail?: string }) {
  return (
    <Radix.Item
      value={value}
      className="flex items-center gap-2 rounded-md px-2 py-1.5 text-[13px] outline-none data-[highlighted]:bg-highlight"
    >
      <span className="size-3.5">
        <Radix.ItemIndicator>
          <CheckIcon className="size-3.5 text-brand" />
        </Radix.ItemIndicator>
      </span>
      <Radix.ItemText>{text}</Radix.ItemText>
      {detail !== undefined && <span className="ml-auto pl-4 text-ink-faint">{detail}</span>}
    </Radix.Item>
  );
}
