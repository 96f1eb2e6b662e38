import { useState } from 'react';
import { Field, SelectField, TextArea, TextField } from '@/components/ui/field';
import { MappingPreview } from '@/features/sources/components/mapping-preview';
import { PointerField } from '@/features/sources/components/pointer-field';
import type { SourceDraft } from '@/features/sources/model/draft';
import { FIRST_FIELDS, MORE_FIELDS, type MappedPath } from '@/features/sources/model/mapping';
import { listsIn, readSample, valuesIn } from '@/features/sources/model/sample';

const SHAPES = [
  { value: 'mapped', text: 'Any JSON, which a mapping reads' },
  { value: 'posts', text: 'Posts as POST /api/v1/posts takes them' },
] as const;

interface WebhookFieldsProps {
  draft: SourceDraft;
  set: (changes: Partial<SourceDraft>) => void;
  problemOf: (field: string) => string | null;
}

/** The fields of a webhook: what is delivered, a sample of it, and where the fields of posts are in it. */
export function WebhookFields({ draft, set, problemOf }: WebhookFieldsProps) {
  const [text, setText] = useState('');
  // Once, so that it does not close when its last field is cleared.
  const [startsOpen] = useState(() => hasMore(draft.pointers));
  const sample = readSample(text);
  const value = sample.kind === 'json' ? sample.value : undefined;
  const { isMapped, items, pointers } = draft;
  const places = valuesIn(value, items.trim());
  const pointerField = (field: { path: MappedPath; label: string; hint?: string }) => (
    <PointerField
      key={field.path}
      label={field.label}
      hint={field.hint}
      error={problemOf(`mapping.${field.path}`)}
      places={places}
      value={pointers[field.path] ?? ''}
      onChange={(pointer) => set({ pointers: { ...pointers, [field.path]: pointer } })}
    />
  );
  return (
    <>
      <SelectField
        label="What is delivered"
        error={problemOf('mapping')}
        value={isMapped ? 'mapped' : 'posts'}
        options={SHAPES}
        onChange={(shape) => set({ isMapped: shape === 'mapped' })}
      />
      <Field
        label="Sample delivery"
        hint="Paste what the sender delivers, as JSON. It is not saved."
        error={sample.kind === 'problem' && 'This is not JSON.'}
      >
        {(control) => (
          <TextArea
            {...control}
            className="font-mono"
            rows={5}
            spellCheck={false}
            value={text}
            onChange={({ target }) => setText(target.value)}
          />
        )}
      </Field>
      <PointerField
        label="Where the items are (optional)"
        hint="A JSON Pointer to a list of items, or to one. Leave empty for the whole delivery."
        placeholder="/data/items"
        error={problemOf('items')}
        places={listsIn(value)}
        value={items}
        onChange={(pointer) => set({ items: pointer })}
      />
      {isMapped && (
        <fieldset className="flex flex-col gap-3">
          <legend className="mb-1 text-sm font-semibold">Where the fields of posts are</legend>
          <p className="caption">
            JSON Pointers from an item, such as /user/name. The fields suggest those of the sample.
            Only the text is required.
          </p>
          <div className="grid gap-3 sm:grid-cols-2">{FIRST_FIELDS.map(pointerField)}</div>
          <TextField
            label="Name of the platform (optional)"
            hint="For items that name none. By default, “webhook”."
            error={problemOf('platform')}
            maxLength={32}
            value={draft.platform}
            onChange={(platform) => set({ platform })}
          />
          <details open={startsOpen}>
            <summary className="w-fit rounded-md text-sm font-medium">More fields</summary>
            <div className="mt-2 grid gap-3 sm:grid-cols-2">{MORE_FIELDS.map(pointerField)}</div>
          </details>
        </fieldset>
      )}
      <MappingPreview draft={draft} sample={sample.kind === 'json' ? text : null} />
    </>
  );
}

/** Whether other fields than the first ones are mapped. */
function hasMore(pointers: SourceDraft['pointers']): boolean {
  return MORE_FIELDS.some(({ path }) => (pointers[path] ?? '') !== '');
}
