import { useId, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { Popover } from '@/components/ui/popover';
import { NAME_MAX, problemWithName, tidy, usePersonName } from '@/lib/person';
import { useWorkNames } from '@/lib/use-work-names';

interface AssignPopoverProps {
  /** The text of the button. */
  text: string;
  /** The accessible name, if the text does not say what is assigned. */
  label?: string;
  /** Whether there is someone to remove. */
  isAssigned: boolean;
  disabled?: boolean;
  /** Assigns to a person; null to nobody. */
  onAssign: (name: string | null) => void;
}

/** Assigns something to this person, to another one, or to nobody. */
export function AssignPopover(props: AssignPopoverProps) {
  const { text, label = text, isAssigned, disabled = false, onAssign } = props;
  const [open, setOpen] = useState(false);
  const assign = (name: string | null) => {
    setOpen(false);
    onAssign(name);
  };
  return (
    <Popover text={text} label={label} open={open} onOpenChange={setOpen} disabled={disabled}>
      <AssignForm isAssigned={isAssigned} onAssign={assign} />
    </Popover>
  );
}

function AssignForm({ isAssigned, onAssign }: Pick<AssignPopoverProps, 'isAssigned' | 'onAssign'>) {
  const me = usePersonName();
  const { assignees } = useWorkNames();
  const listId = useId();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const submit = () => {
    const name = tidy(text);
    const found = name === '' ? 'Enter a name.' : problemWithName(name);
    setProblem(found);
    if (found === null) onAssign(name);
  };
  return (
    <Form label="Assign" className="flex flex-col gap-3" onSubmit={submit}>
      <Field label="Assign to" error={problem}>
        {(control) => (
          <Input
            {...control}
            list={listId}
            value={text}
            maxLength={NAME_MAX * 2}
            autoComplete="off"
            placeholder="Name"
            onChange={({ target }) => setText(target.value)}
          />
        )}
      </Field>
      <datalist id={listId}>
        {assignees.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="solid">
          Assign
        </Button>
        {me !== '' && <Button onClick={() => onAssign(me)}>Assign to me</Button>}
        {isAssigned && <Button onClick={() => onAssign(null)}>Assign to nobody</Button>}
      </div>
    </Form>
  );
}
