import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { SelectField, TextField } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import {
  ACTION_OPTIONS,
  readDraft,
  toDraft,
  type AuditDraft,
  type AuditFilter,
} from '@/features/audit/model/filter';
import { localZone } from '@/lib/zone';

interface AuditFiltersProps {
  filter: AuditFilter;
  onChange: (filter: AuditFilter) => void;
}

const OPTIONS = [{ value: '', text: 'All' }, ...ACTION_OPTIONS];

/** Filters by who, what, on what and when, applied together. */
export function AuditFilters({ filter, onChange }: AuditFiltersProps) {
  const [draft, setDraft] = useState(() => toDraft(filter));
  const [applied, setApplied] = useState(filter);
  // The address may change by other means, such as the browser's back button.
  if (applied !== filter) {
    setApplied(filter);
    setDraft(toDraft(filter));
  }
  const zone = `Time zone: ${localZone()}`;
  const set = (changes: Partial<AuditDraft>) => setDraft({ ...draft, ...changes });
  return (
    <Form
      label="Filters"
      className="mt-2 grid items-start gap-3 sm:grid-cols-2 lg:grid-cols-5"
      onSubmit={() => onChange(readDraft(draft))}
    >
      <TextField
        label="Actor"
        hint="Name, email address, kind or ID"
        autoComplete="off"
        value={draft.actor}
        onChange={(actor) => set({ actor })}
      />
      <SelectField
        label="Action"
        value={draft.action}
        options={OPTIONS}
        onChange={(action) => set({ action })}
      />
      <TextField
        label="Object"
        hint="ID of what was changed"
        autoComplete="off"
        value={draft.object}
        onChange={(object) => set({ object })}
      />
      <TextField
        label="From"
        type="datetime-local"
        hint={zone}
        value={draft.from}
        onChange={(from) => set({ from })}
      />
      <TextField
        label="To"
        type="datetime-local"
        hint={zone}
        value={draft.to}
        onChange={(to) => set({ to })}
      />
      <div className="flex gap-2 sm:col-span-2 lg:col-span-5">
        <Button type="submit" look="solid">
          Apply filters
        </Button>
        <Button onClick={() => onChange({})}>Remove filters</Button>
      </div>
    </Form>
  );
}
