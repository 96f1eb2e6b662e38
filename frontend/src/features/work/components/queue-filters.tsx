import { Button } from '@/components/ui/button';
import { Segmented } from '@/components/ui/segmented';
import { FilterSelect } from '@/components/ui/select';
import { STATUSES } from '@/features/work/api/wire';
import { STATUS_NAMES } from '@/features/work/model/describe';
import { ORDERS, OWNERS, type QueuePlace } from '@/features/work/model/place';
import { capitalize, formatCount } from '@/lib/format';
import { useWorkNames } from '@/lib/use-work-names';

interface QueueFiltersProps {
  place: QueuePlace;
  isFetching: boolean;
  onChange: (place: QueuePlace) => void;
  onRefresh: () => void;
}

const OWNER_OPTIONS = OWNERS.map((value) => ({ value, text: capitalize(value) }));
const STATUS_OPTIONS = STATUSES.map((value) => ({ value, text: STATUS_NAMES[value] }));
const ORDER_NAMES = { oldest: 'Oldest', reach: 'Reach' };
const ORDER_OPTIONS = ORDERS.map((value) => ({ value, text: ORDER_NAMES[value] }));

/** Whose posts, with which status and tag, in which order. */
export function QueueFilters({ place, isFetching, onChange, onRefresh }: QueueFiltersProps) {
  const { tags } = useWorkNames();
  const { status, tag, owner, order } = place;
  const set = (changes: { status?: string | undefined; tag?: string | undefined }) => {
    const wanted = { status, tag, ...changes };
    const next: QueuePlace = { owner, order };
    const known = STATUSES.find((one) => one === wanted.status);
    if (known !== undefined) next.status = known;
    if (wanted.tag !== undefined) next.tag = wanted.tag;
    onChange(next);
  };
  const known = tags.map(({ name, posts }) => ({
    value: name,
    text: name,
    detail: formatCount(posts),
  }));
  return (
    <div role="search" aria-label="Queue filters" className="flex flex-wrap items-center gap-2">
      <Segmented
        label="Assigned to"
        value={owner}
        options={OWNER_OPTIONS}
        onChange={(value) => onChange({ ...place, owner: value })}
      />
      <FilterSelect
        label="Status"
        value={status}
        options={STATUS_OPTIONS}
        onChange={(value) => set({ status: value })}
      />
      <FilterSelect
        label="Tag"
        value={tag}
        options={known}
        onChange={(value) => set({ tag: value })}
      />
      <Segmented
        label="Sort by"
        value={order}
        options={ORDER_OPTIONS}
        onChange={(value) => onChange({ ...place, order: value })}
      />
      <Button className="ml-auto" disabled={isFetching} onClick={onRefresh}>
        {isFetching ? 'Loading…' : 'Refresh'}
      </Button>
    </div>
  );
}
