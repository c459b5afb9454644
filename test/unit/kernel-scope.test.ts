import test from 'ava';
import { outliving } from '../../src/kernel/scope.ts';

test('what is to stay gets a scope where systemd is the first process, and runs as it is elsewhere', (t) => {
  t.deepEqual(outliving(['conmon', '--cid', '$x'], 'a container', '/nosuch'), ['conmon', '--cid', '$x']);
  const [program = '', ...parameters] = outliving(['conmon', '--cid', '$x'], 'a container', '/');
  t.regex(program, /^\/.*\/systemd-run$/);
  t.deepEqual(parameters.slice(0, 2), ['--scope', '--quiet']);
  t.deepEqual(parameters.slice(parameters.indexOf('--')), ['--', 'conmon', '--cid', '$x']);
});
