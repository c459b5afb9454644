/**
 * A program running in the background of a lab: its output so far, its result, and a reliable way to end it.
 *
 * It has its own process group, so one signal reaches both the program and its nsenter(1), across the PID namespace.
 */
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { GangwayError, hasErrno, ignoring } from '../values/errors.ts';
import { type WaitOptions, waitFor } from './wait.ts';

export interface Result {
  /** 128 plus the signal's number after a signal, as in a shell. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Background {
  private readonly output = { stdout: '', stderr: '' };
  /** Resolves when all output has arrived. */
  readonly result: Promise<Result>;

  constructor(
    readonly argv: readonly string[],
    private readonly child: ChildProcessByStdio<Writable, Readable, Readable>,
  ) {
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        this.output[name] += text;
      });
    }
    child.stdin.on('error', (error) => {
      // The program ended without reading its input, as `head` does.
      if (!hasErrno(error, 'EPIPE', 'ECONNRESET')) throw error;
    });
    this.result = once(child, 'close').then(() => ({
      exitCode: child.exitCode ?? 128 + (child.signalCode === null ? 0 : constants.signals[child.signalCode]),
      ...this.output,
    }));
  }

  get stdout(): string {
    return this.output.stdout;
  }

  get stderr(): string {
    return this.output.stderr;
  }

  /** Call `end()` to close it. */
  get stdin(): Writable {
    return this.child.stdin;
  }

  /**
   * Waits until stdout or stderr matches, usually a message that the program is ready.
   *
   * @throws GangwayError program-failed after the timeout, or if the program ends without a match
   */
  async waitForOutput(pattern: RegExp, options: WaitOptions = {}): Promise<void> {
    const said = () => pattern.test(this.output.stdout) || pattern.test(this.output.stderr);
    const ended = () => this.child.exitCode !== null || this.child.signalCode !== null;
    await waitFor(`${this.argv[0]} prints ${pattern}`, () => said() || ended(), options);
    if (!said()) await this.result;
    if (said()) return;
    throw new GangwayError('program-failed', `${formatCommand(this.argv)} exited early: ${this.output.stderr.trim()}`);
  }

  /** Sends a signal to the whole process group and waits for the end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Result> {
    const { pid } = this.child;
    if (pid !== undefined) ignoring('ESRCH', () => process.kill(-pid, signal));
    return this.result;
  }
}

/**
 * The environment of programs in a lab: the caller's, with npm's directories at the end of PATH.
 *
 * `npm test` and `npx` put node_modules/.bin first in PATH, where a package may have installed a program of any name,
 * even `nft`.
 */
export function programEnvironment(
  additions: Readonly<Record<string, string | undefined>> = {},
): Record<string, string | undefined> {
  const folders = (process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(':');
  const ofNpm = (folder: string) => folder.includes('/node_modules/');
  const path = [...folders.filter((folder) => !ofNpm(folder)), ...folders.filter(ofNpm)].join(':');
  return { ...process.env, PATH: path, ...additions };
}

const longest = 160;

/** Formats a command for an error: its first line at most, since an argument may be a long script. */
export function formatCommand(argv: readonly string[]): string {
  const [line = '', ...others] = argv.join(' ').split('\n');
  return others.length === 0 && line.length <= longest ? line : `${line.slice(0, longest)}…`;
}
