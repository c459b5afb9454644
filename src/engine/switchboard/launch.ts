/**
 * Finding the switchboard, and starting it where there is none.
 *
 * Where systemd listens for it, to connect is to start it, and who only looks whether one runs must not connect.
 *
 * Any number of clients may start one at the same time. Only one of them gets the lock and says "ready"; the others say
 * "busy" and end, and their clients connect to the one. Nothing sleeps in between: starting a process and hearing from
 * it is the wait. The same loop gets past a switchboard that is just ending, whose lock is still held.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { makeDirectory } from '../../kernel/directory.ts';
import { systemPath } from '../../kernel/run-program.ts';
import { outliving } from '../../kernel/systemd-scope.ts';
import { messageOf } from '../../values/errors.ts';
import { LineSplitter } from '../../values/line-splitter.ts';
import { SwitchboardConnection, unreachable } from './connection.ts';
import type { Announcement } from './main.ts';
import { type SwitchboardFiles, switchboardFiles } from './paths.ts';

export interface SwitchboardOptions {
  readonly runtimeDirectory: string;
  /** The program and arguments that run it: `[process.execPath, 'gangway.js', '_switchboard']`. */
  readonly command: readonly [string, ...string[]];
  /** How long it may take to be reached. Default 30,000: a busy machine takes its time. */
  readonly timeoutMilliseconds?: number;
}

/**
 * Connects to the switchboard of a runtime directory, if one is running.
 *
 * @throws GangwayError switchboard-unreachable if it is there and can't be talked to
 */
export async function findSwitchboard(runtimeDirectory: string): Promise<SwitchboardConnection | undefined> {
  const files = switchboardFiles(runtimeDirectory);
  return isRunning(files) ? await SwitchboardConnection.open(files.socket) : undefined;
}

/** Is there one, or was it killed? The socket itself may be systemd's, which listens for one that doesn't run. */
export function isRunning({ metrics }: SwitchboardFiles): boolean {
  return existsSync(metrics);
}

/**
 * Connects to the switchboard of a runtime directory, and starts it first where none is running.
 *
 * @throws GangwayError switchboard-unreachable, with what it said before it ended
 */
export async function openSwitchboard(options: SwitchboardOptions): Promise<SwitchboardConnection> {
  const { runtimeDirectory, timeoutMilliseconds = 30_000 } = options;
  const files = switchboardFiles(runtimeDirectory);
  const deadline = performance.now() + timeoutMilliseconds;
  while (performance.now() < deadline) {
    const connection = await SwitchboardConnection.open(files.socket, deadline - performance.now());
    if (connection !== undefined) return connection;
    makeDirectory(runtimeDirectory, 0o711);
    await start(options, files, deadline - performance.now());
  }
  throw unreachable(`the switchboard did not answer within ${timeoutMilliseconds} ms`);
}

/**
 * Starts a switchboard that outlives us: in a session of its own, without our terminal, directory, descriptors and
 * environment, which is of whoever happened to come first.
 *
 * @returns when it has said a word: it listens, or it is not needed
 * @throws GangwayError switchboard-unreachable
 */
async function start({ command }: SwitchboardOptions, files: SwitchboardFiles, milliseconds: number): Promise<void> {
  const [program = '', ...parameters] = outliving(command, 'gangway switchboard');
  const log = openSync(files.log, 'a', 0o600);
  const env = { PATH: systemPath };
  const child = spawn(program, parameters, { cwd: '/', detached: true, env, stdio: ['ignore', 'pipe', log] });
  closeSync(log);
  child.unref();
  const { stdout } = child;
  if (stdout === null) throw new TypeError('a pipe was asked for');
  const lines = new LineSplitter();
  const word = new Promise<string | undefined>((resolve, reject) => {
    child.once('error', reject);
    stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of lines.push(text)) resolve(line);
    });
    stdout.once('end', () => resolve(undefined));
  });
  const timeout = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`no word within ${Math.round(milliseconds)} ms`)), milliseconds).unref();
  });
  try {
    const said = await Promise.race([word, timeout]);
    if (!announcements.has(said)) throw new Error(readFileSync(files.log, 'utf8').trimEnd().slice(-1000));
  } catch (error) {
    throw unreachable(`the switchboard did not start: ${messageOf(error)}`, error);
  } finally {
    stdout.destroy();
  }
}

const announcements: ReadonlySet<string | undefined> = new Set<Announcement>(['ready', 'busy']);
