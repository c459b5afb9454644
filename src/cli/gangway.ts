#!/usr/bin/env node
/** The program: the process around `main`. */
import { main } from './main.ts';

// `gangway logs web | head -1`: the reader has gone, which is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await main(process.argv.slice(2), {
  stdin: () => process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  root: process.geteuid?.() === 0,
  createEngine: async (options) => (await import('../engine/create.ts')).createEngine(options),
  loadExplain: async () => (await import('../engine/explain.ts')).explain,
});
