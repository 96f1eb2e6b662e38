import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithTests } from './processes.mjs';
import { Hopeless, PATIENCE_MS, until } from './until.mjs';

/** Begins the name of every data directory; the number of the process that uses it follows. */
const FOLDER = 'groundswell-e2e-';

/** What all servers of a run store at most, several times over. */
const ROOM_BYTES = 4 * 1024 ** 3;

const inCheckout = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const replayed = inCheckout('data/mayweather-mcgregor_tweets.csv.gz');

/** The products of the replayed posts, as in `make run`. */
const PRODUCTS =
  'Mayweather=mayweather,floyd,maywheather;McGregor=mcgregor,conor,macgregor,notorious';

/** The real binary with its own PostgreSQL and Redis, on a free port and an empty data directory. */
export class RealServer {
  #binary;
  #children = new Set();
  #dataDir;
  #output = '';
  #server;
  #variables = {};
  url;

  /**
   * Starts `GROUNDSWELL_BIN`, or this checkout's binary for `profile`. `variables` are additional environment variables.
   */
  static async start(profile = 'debug', variables = {}) {
    const server = new RealServer();
    server.#variables = variables;
    server.#binary = process.env.GROUNDSWELL_BIN ?? inCheckout(`target/${profile}/groundswell`);
    if (!existsSync(server.#binary)) {
      throw new Error(
        `${server.#binary} is not there: build the server first, or set GROUNDSWELL_BIN`,
      );
    }
    server.#dataDir = await makeDataDir();
    try {
      await server.serve('127.0.0.1:0');
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Starts the server, or restarts it, on address `listen`. */
  async serve(listen) {
    const run = () =>
      (this.#server = this.#spawn(['serve'], { GROUNDSWELL_LISTEN: listen, ...this.#variables }));
    await rm(join(this.#dataDir, 'run.json'), { force: true });
    run();
    this.url = await until('the server to answer', async () => {
      if (hasEnded(this.#server)) {
        const said = this.#output;
        this.#output = '';
        // A connection of another process may have taken the port of a server that restarts.
        if (!said.includes('cannot listen on')) throw new Hopeless(`it ended:\n${said}`);
        run();
      }
      const { address } = JSON.parse(await readFile(join(this.#dataDir, 'run.json'), 'utf8'));
      const url = address.startsWith('http') ? address : `http://${address}`;
      const { ok } = await fetch(`${url}/health`);
      return ok && url;
    });
  }

  /** Replays the bundled posts at `speed` times their original rate. */
  replay(speed) {
    return this.#spawn(['replay', replayed, '--speed', String(speed), '--loop']);
  }

  /** Adds `rate` synthetic posts per second, which have cities and channels. */
  synth(rate) {
    return this.#spawn(['synth', '--rate', String(rate)]);
  }

  async post(posts) {
    const response = await fetch(`${this.url}/api/v1/posts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(posts),
    });
    if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
    return response.json();
  }

  /** The code that creates the first account, from the log; null until it is there. */
  setUpCode() {
    const [, code] = /\b((?:[2-9A-HJ-NP-Z]{4}-){2}[2-9A-HJ-NP-Z]{4})\b/.exec(this.#output) ?? [];
    return code ?? null;
  }

  /** Puts an incomplete post on the stream, bypassing all checks. */
  async publishHalfAPost() {
    const { redis_url, prefix } = JSON.parse(
      await readFile(join(this.#dataDir, 'run.json'), 'utf8'),
    );
    const entry = { v: '1', source: 'http', received_at: new Date().toISOString(), post: '{"id":' };
    const words = ['XADD', `${prefix}social_posts_stream`, '*', ...Object.entries(entry).flat()];
    const socket = connect(redis_url.replace('redis+unix://', ''));
    socket.write(
      `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`,
    );
    const [answer] = await once(socket, 'data');
    socket.end();
    if (!String(answer).startsWith('$')) throw new Error(`Redis answered ${answer}`);
  }

  async stopServing() {
    await end(this.#server);
  }

  /** Kills the server, as in a crash. */
  async killServing() {
    const ended = once(this.#server, 'exit');
    this.#server.kill('SIGKILL');
    await ended;
  }

  async stop() {
    await Promise.all([...this.#children].map(end));
    await rm(this.#dataDir, { recursive: true, force: true });
  }

  #spawn(args, variables = {}) {
    const child = spawn(this.#binary, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        // Do not send posts to servers configured for another project.
        DATABASE_URL: undefined,
        REDIS_URL: undefined,
        GROUNDSWELL_DATA_DIR: this.#dataDir,
        GROUNDSWELL_PRODUCTS: PRODUCTS,
        ...variables,
      },
    });
    const keep = (chunk) => (this.#output = `${this.#output}${chunk}`.slice(-8_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.#children.add(child);
    endWithTests(child);
    return child;
  }
}

/**
 * Makes an empty directory, in memory where there is room: a database is some thousand files, and removing those from a
 * busy disk takes longer than the tests.
 */
async function makeDataDir() {
  const inMemory = '/dev/shm';
  const room = await statfs(inMemory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  const parent = room >= ROOM_BYTES ? inMemory : tmpdir();
  await removeAbandoned(parent);
  const dataDir = await mkdtemp(join(parent, `${FOLDER}${process.pid}-`));
  // As root, the database runs as another user, who must be able to reach the directory. Otherwise its data would be
  // put elsewhere and outlive the test.
  await chmod(dataDir, 0o755);
  return dataDir;
}

/** Removes what runs that were interrupted left behind. */
async function removeAbandoned(parent) {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(FOLDER) && Number.parseInt(name.slice(FOLDER.length), 10);
    if (!pid || isRunning(pid)) continue;
    // Another run may be about the same.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch ({ code }) {
    // A process of another user cannot be signalled.
    return code === 'EPERM';
  }
}

const hasEnded = ({ exitCode, signalCode }) => exitCode !== null || signalCode !== null;

/** Ends a process and waits until it has. */
export async function end(child) {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await ended;
  clearTimeout(timer);
}
