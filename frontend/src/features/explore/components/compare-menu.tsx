import { useId, useState, type FormEvent } from 'react';
import { Button } from '@/components/ui/button';
import { SelectField, TextField } from '@/components/ui/field';
import { Popover } from '@/components/ui/popover';
import { useChoices } from '@/features/explore/api/use-sums';
import { DIMENSIONS, type Dimension } from '@/features/explore/model/filters';
import { DIMENSION_NAMES, nameOf } from '@/features/explore/model/names';
import { withFilter, type Comparison, type ExploreQuery } from '@/features/explore/model/query';
import { fromWallClock, toWallClock } from '@/lib/zone';

interface CompareMenuProps {
  query: ExploreQuery;
  /** The period of the figures on the screen, if known. */
  range: { from: string; to: string } | undefined;
  onChange: (query: ExploreQuery) => void;
}

type Kind = Comparison['kind'];

const KINDS: readonly { value: Kind; text: string }[] = [
  { value: 'none', text: 'Nothing' },
  { value: 'previous', text: 'Previous period' },
  { value: 'week', text: 'Same period a week earlier' },
  { value: 'from', text: 'Another period' },
  { value: 'value', text: 'Two values, side by side' },
];

const SHORT: Record<Kind, string> = {
  none: 'Compare',
  previous: 'vs previous',
  week: 'vs a week earlier',
  from: 'vs another period',
  value: 'Side by side',
};

/** Chooses what the page is compared with. */
export function CompareMenu({ query, range, onChange }: CompareMenuProps) {
  const [open, setOpen] = useState(false);
  const { kind } = query.compare;
  return (
    <Popover
      label={kind === 'none' ? SHORT.none : `Compare: ${SHORT[kind]}`}
      text={SHORT[kind]}
      chosen={kind !== 'none'}
      open={open}
      onOpenChange={setOpen}
    >
      {open && (
        <CompareForm
          query={query}
          range={range}
          onChange={(next) => {
            setOpen(false);
            onChange(next);
          }}
        />
      )}
    </Popover>
  );
}

function CompareForm({ query, range, onChange }: CompareMenuProps) {
  const { compare, tz } = query;
  const [kind, setKind] = useState<Kind>(compare.kind);
  const [from, setFrom] = useState(() =>
    toWallClock(compare.kind === 'from' ? compare.from : (range?.from ?? ''), tz),
  );
  const [by, setBy] = useState<Dimension>(compare.kind === 'value' ? compare.by : query.by);
  const [chosen, setChosen] = useState<{ first?: string; second?: string }>(() => ({
    ...(compare.kind === 'value' && {
      first: query.filters[compare.by]?.[0] ?? '',
      second: compare.key,
    }),
  }));
  const choices = useChoices(query, by, kind === 'value');
  const keys = [
    ...new Set([...Object.values(chosen), ...(choices.data ?? []).map(({ key }) => key)]),
  ];
  const first = chosen.first ?? query.filters[by]?.[0] ?? keys[0] ?? '';
  const second = chosen.second ?? keys.find((key) => key !== first) ?? '';
  const options = keys.map((key) => ({ value: key, text: nameOf(by, key) }));
  const start = fromWallClock(from, tz);
  const statusId = useId();
  const problem =
    kind === 'from' && start === null
      ? 'Choose a start time.'
      : kind === 'value' && first === second
        ? 'Choose two different values.'
        : null;
  const apply = (event: FormEvent) => {
    event.preventDefault();
    if (problem !== null) return;
    switch (kind) {
      case 'from':
        return onChange({ ...query, compare: { kind, from: start ?? '' } });
      case 'value':
        return onChange({
          ...withFilter(query, by, first),
          compare: { kind, by, key: second },
        });
      default:
        return onChange({ ...query, compare: { kind } });
    }
  };
  return (
    <form onSubmit={apply} noValidate className="flex flex-col gap-3">
      <SelectField label="Compare with" value={kind} options={KINDS} onChange={setKind} />
      {kind === 'from' && (
        <TextField
          label="Starting at"
          hint={`As long as the period on screen. Time zone: ${tz}`}
          type="datetime-local"
          step={1}
          value={from}
          onChange={setFrom}
        />
      )}
      {kind === 'value' && (
        <>
          <SelectField
            label="Values of"
            value={by}
            options={DIMENSIONS.map((value) => ({ value, text: DIMENSION_NAMES[value] }))}
            onChange={(next) => {
              setBy(next);
              setChosen({});
            }}
          />
          <SelectField
            label="First"
            value={first}
            options={options}
            onChange={(key) => setChosen({ first: key, second })}
          />
          <SelectField
            label="Second"
            value={second}
            options={options}
            onChange={(key) => setChosen({ first, second: key })}
          />
        </>
      )}
      {problem !== null && (
        <p id={statusId} role="status" className="text-xs font-medium text-critical">
          {problem}
        </p>
      )}
      <Button type="submit" look="solid">
        Apply
      </Button>
    </form>
  );
}
