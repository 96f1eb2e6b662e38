import { useId } from 'react';
import { SCOPES, type Scope } from '@/api/identity';
import { Checkbox } from '@/components/ui/checkbox';
import { SCOPE_MEANINGS } from '@/lib/roles';

interface ScopeFieldsProps {
  /** The scopes to choose from. */
  among: readonly Scope[];
  chosen: readonly Scope[];
  error: string | null;
  onChange: (scopes: Scope[]) => void;
}

/** A choice of scopes. */
export function ScopeFields({ among, chosen, error, onChange }: ScopeFieldsProps) {
  const errorId = useId();
  const choose = (scope: Scope, isOn: boolean) =>
    onChange(SCOPES.filter((other) => (other === scope ? isOn : chosen.includes(other))));
  return (
    <fieldset>
      <legend className="text-sm font-medium">Scopes</legend>
      <div className="mt-1.5 flex flex-col gap-1.5">
        {SCOPES.filter((scope) => among.includes(scope)).map((scope) => (
          <Checkbox
            key={scope}
            checked={chosen.includes(scope)}
            errorId={error === null ? undefined : errorId}
            onChange={(isOn) => choose(scope, isOn)}
          >
            <span>
              <span className="font-medium">{scope}</span>{' '}
              <span className="text-ink-soft">{SCOPE_MEANINGS[scope]}</span>
            </span>
          </Checkbox>
        ))}
      </div>
      {error !== null && (
        <p id={errorId} className="mt-1 text-xs font-medium text-critical">
          {error}
        </p>
      )}
    </fieldset>
  );
}
