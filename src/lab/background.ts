/**
 * A program that runs while the caller does something else: its output so far, its end, and a sure way to end it.
 *
 * It has a process group of its own, so that one signal reaches the program and the nsenter(1) that started it, on both
 * sides of the PID namespace's border.
 */
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { GangwayError, hasErrno, ignoring } from '../values/errors.ts';
import { formatCommand } from './format-command.ts';
import { type WaitOptions, waitFor } from './wait.ts';

/** How a program ended. */
export interface Result {
  /** As a shell gives it: 128 and the signal's number after a signal. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Background {
  private readonly output = { stdout: '', stderr: '' };
  /** How it ended, once all its output has arrived. */
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

  /** What it has printed so far. */
  get stdout(): string {
    return this.output.stdout;
  }

  get stderr(): string {
    return this.output.stderr;
  }

  /** Its stdin. Call `end()` on it to let the program read its end. */
  get stdin(): Writable {
    return this.child.stdin;
  }

  /**
   * Waits until its stdout or stderr matches: the usual way for a program to say that it is ready.
   *
   * @throws GangwayError program-failed when the time is up, or when the program ends without having said it
   */
  async waitForOutput(pattern: RegExp, options: WaitOptions = {}): Promise<void> {
    const said = () => pattern.test(this.output.stdout) || pattern.test(this.output.stderr);
    const ended = () => this.child.exitCode !== null || this.child.signalCode !== null;
    await waitFor(`${this.argv[0]} says ${pattern}`, () => said() || ended(), options);
    if (!said()) await this.result;
    if (said()) return;
    throw new GangwayError(
      'program-failed',
      `${formatCommand(this.argv)} ended too early: ${this.output.stderr.trim()}`,
    );
  }

  /** Sends a signal to the whole process group and waits for the end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Result> {
    const { pid } = this.child;
    if (pid !== undefined) ignoring('ESRCH', () => process.kill(-pid, signal));
    return this.result;
  }
}
