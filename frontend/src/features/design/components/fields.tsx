import { useState } from 'react';
import { SCOPES, type Scope } from '@/api/identity';
import { DurationField } from '@/components/ui/duration-input';
import { Field, SelectField, TextArea, TextField } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { Panel } from '@/components/ui/panel';
import { ScopeFields } from '@/components/ui/scope-fields';

const SEVERITIES = [
  { value: 'warning', text: 'Warning' },
  { value: 'critical', text: 'Critical' },
] as const;

/** The fields of forms, each with its label, hint and error. */
export function Fields() {
  const [name, setName] = useState('Negative posts');
  const [note, setNote] = useState('');
  const [severity, setSeverity] = useState<(typeof SEVERITIES)[number]['value']>('warning');
  const [seconds, setSeconds] = useState(300);
  const [scopes, setScopes] = useState<Scope[]>(['read']);
  return (
    <Panel title="Fields" note="a label above, a hint or an error below">
      <Form
        label="Fields"
        className="mt-1 grid gap-4 sm:grid-cols-2 lg:grid-cols-3"
        onSubmit={() => undefined}
      >
        <TextField label="Name" hint="At most 80 characters." value={name} onChange={setName} />
        <TextField
          label="Name with an error"
          error={name === '' ? 'Enter a name.' : 'A rule has this name.'}
          value={name}
          onChange={setName}
        />
        <TextField label="Disabled name" disabled value={name} onChange={setName} />
        <SelectField
          label="Severity"
          value={severity}
          options={SEVERITIES}
          onChange={setSeverity}
        />
        <DurationField label="Window" seconds={seconds} onChange={setSeconds} />
        <Field label="Note">
          {(control) => (
            <TextArea
              {...control}
              rows={2}
              value={note}
              onChange={({ target }) => setNote(target.value)}
            />
          )}
        </Field>
        <ScopeFields among={SCOPES} chosen={scopes} error={null} onChange={setScopes} />
      </Form>
    </Panel>
  );
}
