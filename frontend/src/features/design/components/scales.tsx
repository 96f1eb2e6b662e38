import * as icons from '@/components/ui/icons';
import { Panel } from '@/components/ui/panel';
import { WaveMark } from '@/components/ui/wave-mark';
import { Specimen } from '@/features/design/components/specimen';
import type { Tokens } from '@/features/design/model/tokens';

/** What each size of type is for. */
const TYPE_USES: Record<string, string> = {
  'text-xs': 'captions, badges and the text of charts',
  'text-sm': 'text, controls and the titles of panels',
  'text-base': 'what leads: the summary and the titles of sheets',
  'text-lg': 'headings',
  'text-xl': 'figures',
};

/** The steps of space in use, in quarters of the text size of 16 px. */
const SPACES = [1, 1.5, 2, 3, 4, 5, 6];
const SPACE_PX = 4;

/** Sizes of type, space, the radius, the shadow and the icons. */
export function Scales({ shared }: { shared: Tokens }) {
  const sizes = [...shared].filter(([name]) => name in TYPE_USES);
  return (
    <div className="grid items-start gap-3 lg:grid-cols-2">
      <Panel title="Type" note="Instrument Sans, with figures of one width">
        <dl className="mt-1 space-y-2">
          {sizes.map(([name, size]) => (
            <div key={name}>
              <dt className="caption">
                {name}, {size}: {TYPE_USES[name]}
              </dt>
              <dd className="truncate" style={{ fontSize: size }}>
                12,118 posts
              </dd>
            </div>
          ))}
        </dl>
      </Panel>
      <Panel title="Space, shape and icons">
        <Specimen name="Space" use="Steps of 4 pixels.">
          <ul className="flex flex-wrap items-end gap-4">
            {SPACES.map((step) => (
              <li key={step} className="caption flex flex-col items-center gap-1">
                <span
                  className="block rounded-full bg-brand"
                  style={{ width: step * SPACE_PX, height: step * SPACE_PX }}
                />
                {step * SPACE_PX} px
              </li>
            ))}
          </ul>
        </Specimen>
        <Specimen name="Radius" use="One for everything; dots and switches are round.">
          <span className="caption rounded-md border border-line-strong px-4 py-3">
            {shared.get('radius-md')}
          </span>
          <span className="caption rounded-full border border-line-strong px-4 py-3">round</span>
        </Specimen>
        <Specimen name="Shadow" use="Panels, popovers and sheets.">
          <span className="caption rounded-md border border-line bg-surface px-4 py-3 shadow-panel">
            shadow-panel
          </span>
        </Specimen>
        <Specimen name="Icons" use="Always beside a text, or in a button with a label.">
          <WaveMark />
          {Object.entries(icons).map(([name, Icon]) => (
            <Icon key={name} className="size-5" />
          ))}
        </Specimen>
      </Panel>
    </div>
  );
}
