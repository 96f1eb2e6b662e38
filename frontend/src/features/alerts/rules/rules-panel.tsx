import { useState } from 'react';
import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { CHANNELS, RULES } from '@/features/alerts/api/resources';
import { useList } from '@/features/alerts/api/use-resource';
import type { Channel, Rule } from '@/features/alerts/api/wire';
import { RuleEditor } from '@/features/alerts/rules/rule-editor';
import { RuleRow } from '@/features/alerts/rules/rule-row';

/** Every rule, with its editor. */
export function RulesPanel() {
  const rules = useList<Rule>(RULES);
  const { data: channels } = useList<Channel>(CHANNELS);
  const [edited, setEdited] = useState<Rule | 'new' | null>(null);
  return (
    <Panel
      title="Rules"
      note="when to alert"
      actions={
        <Allowed to="create_alert_rule">
          <Button look="solid" onClick={() => setEdited('new')}>
            New rule
          </Button>
        </Allowed>
      }
    >
      <QueryStatus query={rules} what="rules" rows={5} />
      {rules.data?.length === 0 && (
        <Empty title="No rules yet">Until you add a rule, only signals open alerts.</Empty>
      )}
      <ul aria-label="Rules" className="-mx-4 mt-2">
        {rules.data?.map((rule) => (
          <RuleRow key={rule.id} rule={rule} onEdit={() => setEdited(rule)} />
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
