#!/usr/bin/env -S node --
/**
 * The program `gangway`: runs `main` on the streams and the environment of this process.
 *
 * Without `--` in the first line, Node would take `--env-file` of `gangway run node --env-file=.env` as its own option.
 */
import { withheldCapabilities } from '../kernel/privileges.ts';
import { GangwayError } from '../values/errors.ts';
import { main } from './main.ts';
import { printError } from './print-error.ts';

async function run(onReadOnlyCommand: () => void): Promise<number> {
  let input: NodeJS.ReadStream | undefined;
  const status = await main(process.argv.slice(2), {
    stdin: () => {
      input ??= process.stdin;
      return input;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    root: process.geteuid?.() === 0,
    missingCapabilities: withheldCapabilities,
    onReadOnlyCommand,
    createEngine: async (options) => (await import('../engine/create-engine.ts')).createEngine(options),
    loadExplain: async () => (await import('../engine/step-kinds.ts')).explain,
  });
  // An open stdin would keep the process alive.
  input?.destroy();
  return status;
}

/**
 * Handles write errors of stdout and stderr.
 *
 * After a closed pipe (`gangway logs web | head -1`), a command that only reads exits with 0, and a command that changes
 * something goes on without output. Any other error of stdout, such as a full disk, is printed and exits with 1.
 * A session with a container handles errors itself.
 */
class OutputErrors {
  readOnlyCommand = false;
  #failure: Error | undefined;

  constructor() {
    for (const output of [process.stdout, process.stderr]) {
      output.on('error', (error: NodeJS.ErrnoException) => {
        if (output.listenerCount('error') > 1) return;
        if (error.code !== 'EPIPE' && output === process.stdout) this.#failure ??= error;
        // The command may be about to exit by itself, with its own status.
        if (this.readOnlyCommand) setImmediate(() => process.exit(this.finalStatus(0)));
      });
    }
  }

  finalStatus(status: number): number {
    if (this.#failure === undefined) return status;
    const failure = new GangwayError('program-failed', `cannot write to stdout: ${this.#failure.message}`);
    printError(failure, { stderr: process.stderr, environment: process.env });
    return status === 0 ? 1 : status;
  }
}

const outputErrors = new OutputErrors();

// The modes of new files, in gangway and in containers, do not depend on the user's umask.
process.umask(0o022);

// No top-level await: the program is one CommonJS file (scripts/bundle.js).
void run(() => {
  outputErrors.readOnlyCommand = true;
}).then((status) => {
  // The last write may still fail.
  setImmediate(() => {
    process.exitCode = outputErrors.finalStatus(status);
    // Exiting here saves Node's 5 ms of cleanup. With a slow reader, it would lose buffered output.
    if (process.stdout.writableLength === 0 && process.stderr.writableLength === 0) process.exit();
  });
});
