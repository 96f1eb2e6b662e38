import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { Confirm, DeleteButton } from '@/components/ui/confirm';
import { DownloadIcon } from '@/components/ui/icons';
import { OnceSheet } from '@/components/ui/once-sheet';
import { Panel } from '@/components/ui/panel';
import { Popover } from '@/components/ui/popover';
import { Segmented } from '@/components/ui/segmented';
import { FilterSelect, Select } from '@/components/ui/select';
import { Sheet } from '@/components/ui/sheet';
import { ShowMore } from '@/components/ui/show-more';
import { Switch } from '@/components/ui/switch';
import { Tabs } from '@/components/ui/tabs';
import { Specimen } from '@/features/design/components/specimen';

const WINDOWS = [
  { value: '1h', text: '1 h' },
  { value: '24h', text: '24 h' },
  { value: '7d', text: '7 d' },
] as const;
const TABS = [
  { value: 'open', text: 'Open', count: '4' },
  { value: 'history', text: 'History' },
] as const;
const SOURCES = [
  { value: 'http', text: 'HTTP', detail: '38' },
  { value: 'replay', text: 'Replay', detail: '1,890' },
];

/** A list with another page, as `ShowMore` reads it. */
const LIST = { hasNextPage: true, isFetchingNextPage: false, fetchNextPage: () => undefined };

/** What can be pressed or chosen. */
export function Controls() {
  const [isOn, setOn] = useState(true);
  const [window, setWindow] = useState<(typeof WINDOWS)[number]['value']>('24h');
  const [tab, setTab] = useState<(typeof TABS)[number]['value']>('open');
  const [source, setSource] = useState<string | undefined>('http');
  return (
    <Panel title="Controls">
      <Specimen name="Button" use="One solid button at most, for what the page is about.">
        <Button look="solid">Save</Button>
        <Button>Compare</Button>
        <Button look="quiet">Clear filters</Button>
        <Button square aria-label="Download">
          <DownloadIcon />
        </Button>
        <Button look="solid" disabled>
          Saving…
        </Button>
        <Button disabled>Refresh</Button>
        <Button className="border-brand! bg-highlight!" aria-pressed>
          Chosen
        </Button>
        <ShowMore list={LIST} />
      </Specimen>
      <Specimen name="Checkbox" use="Items of a list, and options of a form.">
        <Checkbox checked={isOn} onChange={setOn}>
          Changes
        </Checkbox>
        <Checkbox checked={false} isMixed onChange={setOn}>
          Some of them
        </Checkbox>
        <Checkbox checked disabled onChange={setOn}>
          Disabled
        </Checkbox>
      </Specimen>
      <Specimen name="Switch" use="What takes effect at once.">
        <Switch label="A switch" checked={isOn} onChange={setOn} />
        <Switch label="A disabled switch" checked={false} disabled onChange={setOn} />
      </Specimen>
      <Specimen name="Select" use="More than a few options. It is the browser's own.">
        <Select aria-label="Break down by">
          <option>Product</option>
          <option>Platform</option>
        </Select>
        <Select isCompact aria-label="Step">
          <option>Automatic step</option>
        </Select>
        <Select aria-label="Invalid" aria-invalid>
          <option>Invalid</option>
        </Select>
        <Select aria-label="Disabled" disabled>
          <option>Disabled</option>
        </Select>
        <FilterSelect label="Source" value={source} options={SOURCES} onChange={setSource} />
        <FilterSelect label="City" value={undefined} options={[]} onChange={setSource} />
      </Specimen>
      <Specimen name="Segmented" use="Up to five options that exclude each other.">
        <Segmented label="Period" value={window} options={WINDOWS} onChange={setWindow} />
      </Specimen>
      <Specimen name="Tabs" use="Parts of a page, one at a time.">
        <Tabs label="Alerts" value={tab} options={TABS} onChange={setTab}>
          The content of “{tab}”.
        </Tabs>
      </Specimen>
      <Overlays />
    </Panel>
  );
}

function Overlays() {
  const [isPopoverOpen, setPopoverOpen] = useState(false);
  const [isSheetOpen, setSheetOpen] = useState(false);
  const [isSecretOpen, setSecretOpen] = useState(false);
  const doNothing = () => undefined;
  return (
    <Specimen name="Overlays" use="A menu, an item with its details, and what cannot be undone.">
      <Popover text="Popover" open={isPopoverOpen} onOpenChange={setPopoverOpen}>
        <p className="text-sm">Escape closes it.</p>
      </Popover>
      <Button onClick={() => setSheetOpen(true)}>Sheet</Button>
      {isSheetOpen && (
        <Sheet
          title="A sheet"
          description="On a phone it covers the page."
          onClose={() => setSheetOpen(false)}
        >
          Escape closes it.
        </Sheet>
      )}
      <Button onClick={() => setSecretOpen(true)}>Secret</Button>
      {isSecretOpen && (
        <OnceSheet
          title="A secret"
          parts={[{ name: 'Key', text: 'gsk_01890a5dac96774b_k3y' }]}
          onClose={() => setSecretOpen(false)}
        >
          It opens nothing.
        </OnceSheet>
      )}
      <Confirm
        trigger={<Button>Confirm</Button>}
        question="Replay all posts?"
        action="Replay"
        onConfirm={doNothing}
      >
        Nothing happens here.
      </Confirm>
      <DeleteButton noun="rule" name="Negative posts" onDelete={doNothing}>
        Nothing is deleted here.
      </DeleteButton>
    </Specimen>
  );
}
