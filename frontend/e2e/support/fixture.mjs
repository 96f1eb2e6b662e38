import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endWithTests } from './processes.mjs';

const script = fileURLToPath(new URL('../../dev/fixture-server.mjs', import.meta.url));

/** Starts the fake server with `rate` posts and `updates` metric updates per second, serving the built dashboard. */
export async function startFixture(rate, { updates } = {}) {
  const args = ['--port', '0', '--rate', String(rate)];
  if (updates !== undefined) args.push('--updates', String(updates));
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithTests(child);
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      const found = /http:\S+/.exec(String(chunk));
      if (found) resolve(found[0]);
    });
    child.on('exit', (code) => reject(new Error(`the fixture ended with ${code}`)));
  });
  return {
    url,
    stop: () => child.kill(),
    closeSockets: (code) => fetch(`${url}/fixture/close?code=${code}`, { method: 'POST' }),
  };
}
