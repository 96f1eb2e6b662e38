import { Allowed } from '@/components/ui/allowed';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { ChangedBy } from '@/components/ui/changed-by';
import { DeleteButton } from '@/components/ui/confirm';
import { Failure } from '@/components/ui/notice';
import { Switch } from '@/components/ui/switch';
import { RULES } from '@/features/alerts/api/resources';
import { useRemove, useSave } from '@/features/alerts/api/use-resource';
import type { NewRule, Rule } from '@/features/alerts/api/wire';
import { SeverityBadge } from '@/features/alerts/components/severity-badge';
import { describeRule } from '@/features/alerts/rules/describe';

/** One rule in words, with its switch and buttons. */
export function RuleRow({ rule, onEdit }: { rule: Rule; onEdit: () => void }) {
  const save = useSave<NewRule, Rule>(RULES, rule.id);
  const remove = useRemove(RULES);
  const error = save.error ?? remove.error;
  return (
    <li className="border-t border-line px-4 py-2.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
        <Allowed to="replace_alert_rule">
          <Switch
            label={`Enable ${rule.name}`}
            checked={rule.enabled}
            disabled={save.isPending}
            onChange={(enabled) => save.mutate({ ...toNewRule(rule), enabled })}
          />
        </Allowed>
        <div className="min-w-0 flex-1 basis-64 wrap-anywhere">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm font-medium">
            {rule.name}
            <SeverityBadge severity={rule.severity} />
            {rule.builtin && <Badge>built-in</Badge>}
            {!rule.enabled && <Badge tone="outline">off</Badge>}
          </p>
          <p className="text-sm text-ink-soft">{describeRule(rule)}.</p>
          <ChangedBy by={rule.updated_by} at={rule.updated_at} />
        </div>
        <div className="flex gap-1">
          <Allowed to="replace_alert_rule">
            <Button aria-label={`Edit ${rule.name}`} onClick={onEdit}>
              Edit
            </Button>
          </Allowed>
          {!rule.builtin && (
            <Allowed to="delete_alert_rule">
              <DeleteButton noun="rule" name={rule.name} onDelete={() => remove.mutate(rule.id)}>
                The rule stops opening alerts. Its past alerts stay in the history.
              </DeleteButton>
            </Allowed>
          )}
        </div>
      </div>
      {error !== null && (
        <Failure className="mt-2" what="The rule could not be changed" error={error} />
      )}
    </li>
  );
}

/** The fields that a client may write. */
function toNewRule(rule: Rule): NewRule {
  const { id, builtin, created_at, updated_at, created_by, updated_by, ...writable } = rule;
  void [id, builtin, created_at, updated_at, created_by, updated_by];
  return writable;
}
