#!/usr/bin/env -S node --
/**
 * The program: the process around `main`.
 *
 * Without the two dashes Node would take --env-file for its own, wherever it stands: `gangway run node --env-file=.env`.
 */
import { withheldCapabilities } from '../kernel/privileges.ts';
import { GangwayError } from '../values/errors.ts';
import { main } from './main.ts';
import { complain } from './print-error.ts';

async function run(onReadsOnly: () => void): Promise<number> {
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
    withheld: withheldCapabilities,
    onReadsOnly,
    createEngine: async (options) => (await import('../engine/create-engine.ts')).createEngine(options),
    loadExplain: async () => (await import('../engine/step-kinds.ts')).explain,
  });
  // Nobody reads on, and an open input would keep this process alive.
  input?.destroy();
  return status;
}

/**
 * What becomes of the program when its output can't be written.
 *
 * `gangway logs web | head -1`: the reader has gone, which is no error of ours. A command that only reads is over then;
 * one that changes something goes on to its end, unheard. Any other failure, such as a full disk, makes the output worth
 * nothing: that is said, and the exit status says it, too. A session with a container has an ear of its own.
 */
class Outputs {
  readsOnly = false;
  #failure: Error | undefined;

  constructor() {
    for (const output of [process.stdout, process.stderr]) {
      output.on('error', (error: NodeJS.ErrnoException) => {
        if (output.listenerCount('error') > 1) return;
        // Of stderr nobody is left to be told.
        if (error.code !== 'EPIPE' && output === process.stdout) this.#failure ??= error;
        // The command may be about to end by itself, with a status of its own.
        if (this.readsOnly) setImmediate(() => process.exit(this.finalStatus(0)));
      });
    }
  }

  finalStatus(status: number): number {
    if (this.#failure === undefined) return status;
    const failure = new GangwayError('program-failed', `the output could not be written: ${this.#failure.message}`);
    complain(failure, { stderr: process.stderr, environment: process.env });
    return status === 0 ? 1 : status;
  }
}

const outputs = new Outputs();

// What is made, and what is started in a container, must not depend on who types the command.
process.umask(0o022);

// No await here: the program is one CommonJS file (scripts/bundle.js).
void run(() => {
  outputs.readsOnly = true;
}).then((status) => {
  // The last write may still have to say that it failed.
  setImmediate(() => {
    process.exitCode = outputs.finalStatus(status);
    // Node would take its heap apart, 5 ms. Not if a reader is slow: what he has not taken yet would be lost.
    if (process.stdout.writableLength === 0 && process.stderr.writableLength === 0) process.exit();
  });
});
