import { Command } from '@/components/ui/command';
import { WaveMark } from '@/components/ui/wave-mark';
import { COMMANDS } from '@/config/commands';

/** Shown instead of the panels until the first post arrives. */
export function GetStarted() {
  return (
    <section
      aria-labelledby="get-started"
      className="mx-auto my-6 flex w-full max-w-2xl flex-col gap-4 rounded-md border border-line bg-surface p-6 shadow-panel"
    >
      <header className="flex items-center gap-3">
        <WaveMark className="size-9" />
        <div>
          <h2 id="get-started" className="text-lg font-semibold">
            No posts yet
          </h2>
          <p className="text-ink-soft">
            Groundswell is running and waiting for posts. Use any of these commands to send some:
          </p>
        </div>
      </header>
      <Step text="From a checkout, start a server and replay 12,118 real posts:">
        {COMMANDS.run}
      </Step>
      <Step text="Bring in the public posts of Bluesky; no account or key is required:">
        {COMMANDS.hear}
      </Step>
      <Step text="Replay the same posts into this server:">{COMMANDS.replay}</Step>
      <Step text="Send a post of your own:">{COMMANDS.post(window.location.origin)}</Step>
    </section>
  );
}

function Step({ text, children }: { text: string; children: string }) {
  return (
    <div>
      <p className="mb-1 text-sm">{text}</p>
      <Command text={children} />
    </div>
  );
}
