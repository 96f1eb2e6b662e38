import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FRONTEND = fileURLToPath(new URL('../..', import.meta.url));

/** Enough to see what happened; the rest is in the output of the other reporter. */
const N_LINES_MAX = 20;
const N_CHARACTERS_MAX = 4_000;

/**
 * Reports results for programs: one JSON line per finished test,
 * `{file, name, outcome: "passed" | "failed" | "skipped", reason?, ms, message?}`.
 *
 * A group has a line only if it fails for a reason of its own, such as a hook, or is skipped as a whole. A file has one,
 * under its own name, if it crashes, if a hook of the whole file fails, if it contains no tests, or if it exits before all
 * its tests have ended.
 *
 * Usage: `node --test --test-reporter=./e2e/support/report.mjs --test-reporter-destination=FILE e2e/*.test.mjs`.
 */
export default async function* report(events) {
  const files = new Map();
  let key = '';
  for await (const { type, data } of events) {
    // Diagnostics name no file: they are about the one before.
    key = data.file ?? key;
    if (!files.has(key))
      files.set(key, { names: [], parents: new Set(), open: new Map(), said: '' });
    const file = files.get(key);
    if (type === 'test:enqueue') count(file, data, 1);
    if (type === 'test:start') enter(file, data);
    if (type === 'test:stderr') note(file, data.message);
    // This is how a rejection is reported that no test awaits.
    if (type === 'test:diagnostic') note(file, `${data.message}\n`);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    count(file, data, -1);
    const result = judge(type === 'test:pass', data, file);
    if (result) yield `${JSON.stringify(result)}\n`;
  }
  for (const [path, file] of files) {
    const result = findUnended(path, file);
    if (result) yield `${JSON.stringify(result)}\n`;
  }
}

/** Records that a test will run (1), or that it ended (-1). */
function count({ open }, data, n) {
  if (isWholeFile(data)) return;
  const test = `${data.nesting} ${data.name}`;
  open.set(test, (open.get(test) ?? 0) + n);
}

/** Returns a line for a file that exited, perhaps with status 0, before all its tests had ended. */
function findUnended(key, { open }) {
  const names = [...open]
    .filter(([, n]) => n > 0)
    .map(([test]) => test.slice(test.indexOf(' ') + 1));
  if (names.length === 0) return undefined;
  const path = relative(FRONTEND, key);
  const message = `the file exited before these tests had ended: ${names.join(', ')}`;
  return { file: path, name: path, outcome: 'failed', ms: 0, message };
}

function isWholeFile({ file, name }) {
  return file !== undefined && resolve(name) === resolve(file);
}

/** Records that a test began. Those inside it begin after it does, and end before it does. */
function enter(file, { name, nesting }) {
  file.names.length = nesting;
  if (nesting > 0) file.parents.add(file.names.join(' > '));
  file.names[nesting] = name;
  file.parents.delete(file.names.join(' > '));
}

function note(file, text) {
  file.said = (file.said + text).slice(-N_CHARACTERS_MAX);
}

/** Returns the line for a test that ended, if it deserves one. */
function judge(hasPassed, data, file) {
  const { details, nesting } = data;
  const isFile = isWholeFile(data);
  const path = data.file === undefined ? '' : relative(FRONTEND, data.file);
  const name = isFile ? path : [...file.names.slice(0, nesting), data.name].join(' > ');
  const line = { file: path, name, outcome: 'passed', ms: Math.round(details.duration_ms) };
  const skipped = whySkipped(data);
  if (skipped !== undefined) return { ...line, outcome: 'skipped', reason: skipped };
  const isGroup = details.type === 'suite' || file.parents.has(name);
  if (isFile && hasPassed)
    return {
      ...line,
      outcome: 'failed',
      message: 'the file contains no tests, or exited before any ended',
    };
  if (hasPassed) return isGroup ? undefined : line;
  // The tests inside have lines of their own.
  if (details.error?.failureType === 'subtestsFailed') return undefined;
  const message =
    isFile && details.error?.failureType !== 'hookFailed'
      ? describeExit(details.error, file)
      : describe(details.error);
  return { ...line, outcome: 'failed', message };
}

function whySkipped({ skip, todo }) {
  if (skip !== undefined && skip !== false)
    return typeof skip === 'string' ? skip : 'no reason given';
  if (todo !== undefined && todo !== false)
    return typeof todo === 'string' ? `to do: ${todo}` : 'to do';
  return undefined;
}

/** Describes how the process of a file ended, with the end of what it said. */
function describeExit(error, { said }) {
  const how = error?.signal ? `ended by ${error.signal}` : `exited with ${error?.exitCode ?? '?'}`;
  return [`the file ${how}`, ...said.trim().split('\n').slice(-N_LINES_MAX)].join('\n').trim();
}

/** Returns the first lines of an error, and the line of the test that threw it. */
function describe(error) {
  const cause = error?.cause;
  const text = String(cause?.message ?? cause ?? error?.message ?? error);
  const context =
    error?.failureType === 'hookFailed' && error.message !== text ? `${error.message}: ` : '';
  const lines = `${context}${text}`.trim().split('\n').slice(0, N_LINES_MAX);
  const [, at] =
    /\(?(?:file:\/\/)?([^\s()]+\.mjs:\d+:\d+)/.exec(
      String(cause?.stack ?? '').slice(text.length),
    ) ?? [];
  if (at !== undefined) lines.push(`at ${relative(FRONTEND, at)}`);
  return lines.join('\n').slice(0, N_CHARACTERS_MAX);
}
