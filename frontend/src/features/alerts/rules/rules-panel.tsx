import { useState } from 'react';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';
import { Empty, Failure, Skeleton } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { Switch } from '@/components/ui/switch';
import { CHANNELS, RULES } from '@/features/alerts/api/resources';
import { useList, useRemove, useSave } from '@/features/alerts/api/use-resource';
import type { Channel, NewRule, Rule } from '@/features/alerts/api/wire';
import { describeRule } from '@/features/alerts/rules/describe';
import { RuleEditor } from '@/features/alerts/rules/rule-editor';
import { SeverityBadge } from '@/features/alerts/components/severity-badge';

/** When somebody is told: every rule, in words, and the place to change it. */
export function RulesPanel() {
  const { data: rules, error, isPending, refetch } = useList<Rule>(RULES);
  const { data: channels } = useList<Channel>(CHANNELS);
  const [edited, setEdited] = useState<Rule | 'new' | null>(null);
  const save = useSave<NewRule, Rule>(RULES);
  const remove = useRemove(RULES);
  return (
    <Panel
      title="Rules"
      note="when to alert"
      actions={
        <Button look="solid" onClick={() => setEdited('new')}>
          New rule
        </Button>
      }
    >
      {isPending && <Skeleton rows={5} label="Loading rules" />}
      {error !== null && (
        <Failure
          what="The rules could not be loaded"
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      {(save.error ?? remove.error) !== null && (
        <Failure
          className="mt-2"
          what="The rule could not be changed"
          error={save.error ?? remove.error ?? new Error()}
        />
      )}
      {rules?.length === 0 && (
        <Empty title="No rules yet">Until you add a rule, only signals open alerts.</Empty>
      )}
      <ul aria-label="Rules" className="-mx-4 mt-2">
        {rules?.map((rule) => (
          <li
            key={rule.id}
            className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-t border-line px-4 py-2.5"
          >
            <Switch
              label={`Enable ${rule.name}`}
              checked={rule.enabled}
              disabled={save.isPending && save.variables.id === rule.id}
              onChange={(enabled) =>
                save.mutate({ id: rule.id, body: { ...writable(rule), enabled } })
              }
            />
            <div className="min-w-0 flex-1 basis-64 wrap-anywhere">
              <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-[13.5px] font-medium">
                {rule.name}
                <SeverityBadge severity={rule.severity} />
                {rule.builtin && <Badge>built-in</Badge>}
                {!rule.enabled && <Badge tone="outline">off</Badge>}
              </p>
              <p className="text-[13px] text-ink-soft">{describeRule(rule)}.</p>
            </div>
            <div className="flex gap-1">
              <Button aria-label={`Edit ${rule.name}`} onClick={() => setEdited(rule)}>
                Edit
              </Button>
              {!rule.builtin && (
                <Confirm
                  trigger={
                    <Button look="quiet" aria-label={`Delete ${rule.name}`}>
                      Delete
                    </Button>
                  }
                  question={`Delete the rule “${rule.name}”?`}
                  action="Delete"
                  onConfirm={() => remove.mutate(rule.id)}
                >
                  The rule stops opening alerts. Its past alerts stay in the history.
                </Confirm>
              )}
            </div>
          </li>
        ))}
      </ul>
      {edited !== null && (
        <RuleEditor
          rule={edited === 'new' ? null : edited}
          channels={channels ?? []}
          onClose={() => setEdited(null)}
        />
      )}
    </Panel>
  );
}

/** What of a rule may be sent back: the rest is the server's. */
function writable(rule: Rule): NewRule {
  const { id, builtin, created_at, updated_at, ...what } = rule;
  void [id, builtin, created_at, updated_at];
  return what;
}
