import { Panel } from '@/components/ui/panel';
import {
  contrast,
  MARK_CONTRAST_MIN,
  MARK_PAIRS,
  TEXT_CONTRAST_MIN,
  TEXT_PAIRS,
  type Tokens,
} from '@/features/design/model/tokens';

interface ColoursProps {
  title: string;
  tokens: Tokens;
}

/** The colours of one theme, and the contrast of those that stand on each other. */
export function Colours({ title, tokens }: ColoursProps) {
  const colours = [...tokens].filter(([, value]) => value.startsWith('#'));
  return (
    <Panel title={title} note="contrast according to WCAG 2.2, level AA">
      <ul
        aria-label={`${title}, all`}
        className="mt-1 grid grid-cols-2 gap-2 sm:grid-cols-4 lg:grid-cols-6"
      >
        {colours.map(([name, value]) => (
          <li key={name} className="flex min-w-0 items-center gap-2">
            <span
              className="size-8 shrink-0 rounded-md border border-line-strong"
              style={{ background: value }}
            />
            <span className="min-w-0">
              <span className="block truncate text-sm font-medium">{name}</span>
              <code className="caption font-mono">{value}</code>
            </span>
          </li>
        ))}
      </ul>
      <Pairs
        title={`Text, at least ${TEXT_CONTRAST_MIN}:1`}
        pairs={TEXT_PAIRS}
        tokens={tokens}
        sample="Aa"
      />
      <Pairs
        title={`Marks, at least ${MARK_CONTRAST_MIN}:1`}
        pairs={MARK_PAIRS}
        tokens={tokens}
        sample="●"
      />
    </Panel>
  );
}

interface PairsProps {
  title: string;
  pairs: readonly (readonly [front: string, ground: string])[];
  tokens: Tokens;
  /** Drawn in the front colour on its ground. */
  sample: string;
}

function Pairs({ title, pairs, tokens, sample }: PairsProps) {
  return (
    <>
      <h3 className="mt-4 mb-2 text-sm font-semibold">{title}</h3>
      <ul className="grid grid-cols-2 gap-2 sm:grid-cols-3 lg:grid-cols-5">
        {pairs.map(([front, ground]) => {
          const [color = '', background = ''] = [tokens.get(front), tokens.get(ground)];
          return (
            <li key={`${front} ${ground}`} className="flex min-w-0 items-center gap-2">
              <span
                aria-hidden="true"
                className="flex h-8 w-12 shrink-0 items-center justify-center rounded-md border border-line text-sm font-semibold"
                style={{ color, background }}
              >
                {sample}
              </span>
              <span className="min-w-0 text-sm">
                <span className="block truncate">
                  {front} on {ground}
                </span>
                <span className="caption">{contrast(color, background).toFixed(1)}:1</span>
              </span>
            </li>
          );
        })}
      </ul>
    </>
  );
}
