// Mends ava 7.0.0's TAP reporter, which breaks off, and with it the count, when a test stalls or ends the process: there
// it meets a plain Error instead of its own form of one.
import TapReporter from '../../node_modules/ava/lib/reporters/tap.js';

const { writeTest } = TapReporter.prototype;

TapReporter.prototype.writeTest = function (event, flags) {
  const { err } = event;
  const own = err instanceof Error ? { originalError: err, name: err.name, stack: err.stack, type: 'exception' } : err;
  return writeTest.call(this, { ...event, err: own }, flags);
};
