import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { TextField } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { NAME_MAX, person, problemWithName, usePersonName } from '@/lib/person';

interface NameFormProps {
  /** The accessible name of the form, where there may be two. */
  label?: string;
  onSaved?: () => void;
}

/** Asks for the name of the person at this browser. */
export function NameForm({ label = 'Your name', onSaved }: NameFormProps) {
  const [text, setText] = useState(usePersonName());
  const [problem, setProblem] = useState<string | null>(null);
  const save = () => {
    const found = problemWithName(text);
    setProblem(found);
    if (found !== null) return;
    person.rename(text);
    onSaved?.();
  };
  return (
    <Form label={label} className="flex flex-col gap-3" onSubmit={save}>
      <TextField
        label="Your name"
        hint="Shown to others beside what you do here, and kept in this browser. Optional."
        value={text}
        error={problem}
        maxLength={NAME_MAX * 2}
        autoComplete="name"
        onChange={setText}
      />
      <Button type="submit" look="solid" className="self-start">
        Save
      </Button>
    </Form>
  );
}
