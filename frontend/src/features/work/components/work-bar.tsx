import { Checkbox } from '@/components/ui/checkbox';
import { useChangeWork, useWorkChanges } from '@/features/work/api/use-work';
import { WorkActions, WorkDone } from '@/features/work/components/work-actions';
import { useWorks, type Listed } from '@/features/work/model/work-store';
import { useMay } from '@/lib/me';

export interface SelectionProps {
  items: readonly Listed[];
  selected: readonly Listed[];
  onSelect: (uuids: readonly string[]) => void;
}

/** The bar of a list that has no other actions on posts. */
export function ListWorkBar(props: SelectionProps) {
  return <WorkBar {...props} change={useChangeWork()} />;
}

interface WorkBarProps extends SelectionProps {
  change: ReturnType<typeof useChangeWork>;
}

/**
 * Selects posts and acts on all that are selected. It is always there, so that selecting moves no row, except for those who
 * may only read.
 */
export function WorkBar({ items, selected, onSelect, change }: WorkBarProps) {
  useWorkChanges();
  const works = useWorks(selected);
  const may = useMay();
  if (!may('change_work_on_posts')) return null;
  return (
    <div
      role="toolbar"
      aria-label="Selected posts"
      className="sticky top-13 z-10 -mx-4 flex flex-wrap items-center gap-x-2 gap-y-1.5 border-b border-line bg-surface px-4 py-2"
    >
      <Checkbox
        className="mr-1"
        checked={selected.length > 0 && selected.length === items.length}
        isMixed={selected.length > 0 && selected.length < items.length}
        onChange={(all) => onSelect(all ? items.map(({ post }) => post.uuid) : [])}
      >
        {selected.length === 0 ? 'Select all' : `${selected.length} selected`}
      </Checkbox>
      <WorkActions works={works} of="selected posts" change={change} />
      <WorkDone change={change} />
    </div>
  );
}
