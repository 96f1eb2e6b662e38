import { useId, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { Popover } from '@/components/ui/popover';
import { useWorkNames } from '@/lib/use-work-names';

/** The server's limit, in characters. */
const TAG_MAX = 40;

interface TagPopoverProps {
  label: string;
  /** The tags of the posts, which can be removed. */
  tags: readonly string[];
  disabled?: boolean;
  onAdd: (tag: string) => void;
  onRemove: (tag: string) => void;
}

/** Adds a tag to posts, or removes one. */
export function TagPopover({ label, tags, disabled = false, onAdd, onRemove }: TagPopoverProps) {
  const [open, setOpen] = useState(false);
  return (
    <Popover text="Tag" label={label} open={open} onOpenChange={setOpen} disabled={disabled}>
      <TagForm
        tags={tags}
        onAdd={(tag) => {
          setOpen(false);
          onAdd(tag);
        }}
        onRemove={(tag) => {
          setOpen(false);
          onRemove(tag);
        }}
      />
    </Popover>
  );
}

function TagForm({ tags, onAdd, onRemove }: Pick<TagPopoverProps, 'tags' | 'onAdd' | 'onRemove'>) {
  const known = useWorkNames().tags;
  const listId = useId();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const submit = () => {
    const tag = text.trim().replace(/^#+/, '').trim();
    if (tag === '') setProblem('Enter a tag.');
    else if ([...tag].length > TAG_MAX) setProblem(`Use at most ${TAG_MAX} characters.`);
    else onAdd(tag);
  };
  return (
    <Form label="Tag" className="flex flex-col gap-3" onSubmit={submit}>
      <Field label="Add a tag" error={problem}>
        {(control) => (
          <Input
            {...control}
            list={listId}
            value={text}
            maxLength={TAG_MAX * 2}
            autoComplete="off"
            placeholder="refund"
            onChange={({ target }) => setText(target.value)}
          />
        )}
      </Field>
      <datalist id={listId}>
        {known.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <Button type="submit" look="solid" className="self-start">
        Add
      </Button>
      {tags.length > 0 && (
        <ul aria-label="Remove a tag" className="flex flex-wrap gap-1.5">
          {tags.map((tag) => (
            <li key={tag} className="max-w-full">
              <Button className="h-7! max-w-full px-2!" onClick={() => onRemove(tag)}>
                <span className="truncate">Remove “{tag}”</span>
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Form>
  );
}
