import { existsSync } from 'node:fs';
import test from 'ava';
import { systemPath } from '../../src/kernel/run-program.ts';
import { outliving } from '../../src/kernel/systemd-scope.ts';

test('what is to stay runs as it is where systemd is not the first process', (t) => {
  t.deepEqual(outliving(['conmon', '--cid', '$x'], 'a container', '/nosuch'), ['conmon', '--cid', '$x']);
});

test('where it is, there is a scope, or the package is named', (t) => {
  if (!systemPath.split(':').some((directory) => existsSync(`${directory}/systemd-run`))) {
    const error = t.throws(() => outliving(['conmon'], 'a container', '/'), {
      message: /systemd-run is not installed/,
    });
    t.like(error, { hint: 'apt-get install systemd' });
    return;
  }
  const [program = '', ...parameters] = outliving(['conmon', '--cid', '$x'], 'a container', '/');
  t.regex(program, /^\/.*\/systemd-run$/);
  t.deepEqual(parameters.slice(0, 2), ['--scope', '--quiet']);
  t.deepEqual(parameters.slice(parameters.indexOf('--')), ['--', 'conmon', '--cid', '$x']);
});
