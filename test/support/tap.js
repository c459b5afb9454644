// Runs ava 7.0.0 with a mended TAP reporter. Its own breaks off, and with it the count, when a test stalls or ends the process:
// there it meets a plain Error instead of its own form of one. And nobody learns from it which file broke, when one has ended, and
// where an assertion stands.
import prefixTitle from '../../node_modules/ava/lib/reporters/prefix-title.js';
import TapReporter from '../../node_modules/ava/lib/reporters/tap.js';

const { consumeStateChange, startRun, writeCrash, writeTest } = TapReporter.prototype;

TapReporter.prototype.writeTest = function (event, flags) {
  const { err } = event;
  const own = err instanceof Error ? { originalError: err, name: err.name, stack: err.stack, type: 'exception' } : err;
  const frames = own?.stack?.split('\n').filter((line) => !line.includes('/node_modules/ava/')) ?? [];
  if (frames.some((line) => /^ +at /.test(line))) own.stack = frames.join('\n');
  return writeTest.call(this, { ...event, err: own }, flags);
};

/** Kernel tests and attacks are always told with their folder and file, whichever are run together. */
const placed = /(?=(kernel|security)\/[^/]*$)/;

TapReporter.prototype.writeCrash = function (event, title = event.err.stack?.split('\n')[0] ?? event.err.message) {
  return writeCrash.call(this, event, event.testFile ? this.prefixTitle(event.testFile, title) : title);
};

TapReporter.prototype.startRun = function (plan) {
  this.begun = new Map();
  const { observeWorker } = plan.status;
  plan.status.observeWorker = (worker, file, options) => {
    this.begun.set(file, Date.now());
    return observeWorker.call(plan.status, worker, file, options);
  };
  startRun.call(this, plan);
  if (!plan.files.every((file) => placed.test(file))) return;
  this.prefixTitle = (file, title) => prefixTitle(this.extensions, file.split(placed)[0], file, title);
};

TapReporter.prototype.consumeStateChange = function (event) {
  consumeStateChange.call(this, event);
  if (event.type !== 'worker-finished' && event.type !== 'worker-failed') return;
  const seconds = (Date.now() - this.begun.get(event.testFile)) / 1000;
  this.reportStream.write(`# ${this.prefixTitle(event.testFile, `ended after ${seconds.toFixed(1)} s`)}\n`);
};

// Not by --import, which ava would hand on to the process of every file: 60 ms of processor time each.
await import('../../node_modules/ava/entrypoints/cli.mjs');
