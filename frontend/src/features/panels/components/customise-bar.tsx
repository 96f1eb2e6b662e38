import { useEffect, useRef } from 'react';
import { Button } from '@/components/ui/button';
import {
  DEFAULT_ARRANGEMENT,
  hiddenPanels,
  isDefault,
  PANELS,
  withShown,
} from '@/features/panels/model/arrangement';
import type { Customising } from '@/features/panels/model/use-customising';

/** What can be done to the page as a whole while it is customised. It also announces every change. */
export function CustomiseBar({ customising }: { customising: Customising }) {
  const { draft, announcement, change, finish, cancel } = customising;
  const heading = useRef<HTMLHeadingElement>(null);
  const hidden = hiddenPanels(draft);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section
      aria-labelledby="customise"
      className="sticky top-14 z-20 flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md border border-brand bg-raised px-4 py-2.5 shadow-panel"
    >
      <div className="min-w-0 flex-1 basis-64">
        <h2
          id="customise"
          ref={heading}
          tabIndex={-1}
          className="text-sm font-semibold outline-none"
        >
          Customise panels
        </h2>
        <p id="customise-keys" className="caption">
          Drag a panel by its handle, or focus the handle and press the arrow keys.
          <span className="max-lg:hidden"> With Shift, the arrow keys resize the panel.</span>
        </p>
      </div>
      {hidden.length > 0 && (
        <ul aria-label="Hidden panels" className="flex flex-wrap items-center gap-1.5">
          {hidden.map((id) => (
            <li key={id}>
              <Button
                className="border-dashed!"
                onClick={() => change(withShown(draft, id), `${PANELS[id].name} shown, last.`)}
              >
                Show {PANELS[id].name}
              </Button>
            </li>
          ))}
        </ul>
      )}
      <div className="flex items-center gap-1.5">
        <Button
          look="quiet"
          disabled={isDefault(draft)}
          onClick={() => change(DEFAULT_ARRANGEMENT, 'Panels reset to the default.')}
        >
          Reset
        </Button>
        <Button onClick={cancel}>Cancel</Button>
        <Button look="solid" onClick={finish}>
          Done
        </Button>
      </div>
      <p role="status" className="sr-only">
        {announcement}
      </p>
    </section>
  );
}
