import { clsx } from 'clsx';
import { Select as Radix } from 'radix-ui';
import { CheckIcon, ChevronIcon } from '@/components/ui/icons';

/** Radix reserves the empty string for "nothing chosen yet". */
const ALL = '*';

interface SelectProps {
  label: string;
  value: string | undefined;
  options: readonly { value: string; text: string; detail?: string }[];
  onChange: (value: string | undefined) => void;
  /** What the list says while it has no options. */
  empty?: string;
  /** The list is about to be seen: the moment to ask for what stands in it. */
  onOpen?: () => void;
}

/** A filter over one dimension; its first choice takes the filter away. */
export function Select({
  label,
  value,
  options,
  onChange,
  empty = 'None seen yet',
  onOpen,
}: SelectProps) {
  const chosen = options.find((option) => option.value === value);
  return (
    <Radix.Root
      value={value ?? ALL}
      onOpenChange={(open) => open && onOpen?.()}
      onValueChange={(next) => onChange(next === ALL ? undefined : next)}
    >
      <Radix.Trigger
        aria-label={`${label}: ${chosen?.text ?? value ?? 'all'}`}
        className={clsx(
          'inline-flex h-8 max-w-48 items-center gap-1.5 rounded-md border px-2.5 text-[13px] transition-colors',
          value === undefined
            ? 'border-line bg-raised text-ink-soft hover:border-line-strong hover:text-ink'
            : 'border-brand bg-highlight text-ink',
        )}
      >
        <span className="text-ink-soft">{label}</span>
        <span className="truncate font-medium text-ink">{chosen?.text ?? value ?? 'All'}</span>
        <ChevronIcon className="size-3.5 shrink-0 text-ink-faint" />
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
