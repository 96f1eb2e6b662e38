import { Colours } from '@/features/design/components/colours';
import { Controls } from '@/features/design/components/controls';
import { Fields } from '@/features/design/components/fields';
import { Figures } from '@/features/design/components/figures';
import { Messages } from '@/features/design/components/messages';
import { Scales } from '@/features/design/components/scales';
import { parseTokens } from '@/features/design/model/tokens';
import tokensCss from '@/styles/tokens.css?raw';

const { light, dark, shared } = parseTokens(tokensCss);

/** The design language: every colour, size and component, as the pages use them. */
export function DesignView() {
  return (
    <div className="flex flex-col gap-3">
      <h1 className="text-lg font-semibold">Design language</h1>
      <Colours title="Light colours" tokens={light} />
      <Colours title="Dark colours" tokens={dark} />
      <Scales shared={shared} />
      <Controls />
      <Fields />
      <Figures />
      <Messages />
    </div>
  );
}
