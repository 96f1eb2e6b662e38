import type { Plan, Role } from '@/api/identity';
import { SelectField } from '@/components/ui/field';
import { PLAN_OPTIONS, ROLE_MEANINGS, ROLE_OPTIONS } from '@/lib/roles';

interface RoleFieldsProps {
  draft: { role: Role; plan: Plan };
  problemOf: (name: string) => string | null;
  onChange: (changes: { role: Role } | { plan: Plan }) => void;
}

/** The role and the plan of an account. */
export function RoleFields({ draft, problemOf, onChange }: RoleFieldsProps) {
  return (
    <>
      <SelectField
        label="Role"
        hint={ROLE_MEANINGS[draft.role]}
        error={problemOf('role')}
        value={draft.role}
        options={ROLE_OPTIONS}
        onChange={(role) => onChange({ role })}
      />
      <SelectField
        label="Plan"
        hint="Sets how much the account may use."
        error={problemOf('plan')}
        value={draft.plan}
        options={PLAN_OPTIONS}
        onChange={(plan) => onChange({ plan })}
      />
    </>
  );
}
