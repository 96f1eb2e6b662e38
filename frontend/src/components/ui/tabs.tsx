import { Tabs as Radix } from 'radix-ui';
import { useEffect, useRef, type ReactNode } from 'react';

interface TabsProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly { value: Value; text: string; count?: string | undefined }[];
  onChange: (value: Value) => void;
  /** The content of the selected tab. */
  children: ReactNode;
}

/** Tabs. The arrow keys move between them; on a phone the row scrolls. */
export function Tabs<Value extends string>(props: TabsProps<Value>) {
  const list = useRef<HTMLDivElement>(null);
  // A link may open a tab that a phone has to scroll to.
  useEffect(() => {
    const chosen = list.current?.querySelector('[data-state="active"]');
    chosen?.scrollIntoView?.({ block: 'nearest', inline: 'nearest' });
  }, [props.value]);
  return (
    <Radix.Root
      value={props.value}
      onValueChange={(value) => props.onChange(value as Value)}
      activationMode="manual"
    >
      <Radix.List
        ref={list}
        aria-label={props.label}
        className="thin-scroll flex gap-1 overflow-x-auto border-b border-line"
      >
        {props.options.map(({ value, text, count }) => (
          <Radix.Trigger
            key={value}
            value={value}
            className="-mb-px flex h-9 shrink-0 items-center gap-1.5 border-b-2 border-transparent px-3 text-sm text-ink-soft hover:text-ink data-[state=active]:border-brand data-[state=active]:font-semibold data-[state=active]:text-ink"
          >
            {text}
            {count !== undefined && (
              <span className="rounded-full bg-critical-soft px-1.5 text-xs font-semibold text-critical">
                {count}
              </span>
            )}
          </Radix.Trigger>
        ))}
      </Radix.List>
      <Radix.Content value={props.value} className="pt-3 outline-none" tabIndex={-1}>
        {props.children}
      </Radix.Content>
    </Radix.Root>
  );
}
