#!/usr/bin/env node
/** The program: the process around `main`. */
import { main } from './main.ts';

async function run(): Promise<number> {
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
    createEngine: async (options) => (await import('../engine/create.ts')).createEngine(options),
    loadExplain: async () => (await import('../engine/explain.ts')).explain,
  });
  // Nobody reads on, and an open input would keep this process alive.
  input?.destroy();
  return status;
}

// `gangway logs web | head -1`: the reader has gone, which is no error of ours. A session with a container has an ear of
// its own, and something to end first.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (output.listenerCount('error') === 1) process.exit(0);
  });
}

// No await here: the program is one CommonJS file (scripts/bundle.js).
void run().then((status) => {
  process.exitCode = status;
  // Node would take its heap apart, 5 ms. Not if a reader is slow: what he has not taken yet would be lost.
  if (process.stdout.writableLength === 0 && process.stderr.writableLength === 0) process.exit();
});
