import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const script = fileURLToPath(new URL('../../scripts/vm', import.meta.url));

for (const words of [
  [],
  ['boot'],
  ['run'],
  ['run', '--systemd'],
  ['run', '--sytemd', 'true'],
  ['fresh', '--what'],
  ['build', 'now'],
  ['test', 'one', 'two'],
  ['shell', 'bash'],
  ['about', 'it'],
]) {
  test(`scripts/vm ${words.join(' ')}: prints the usage and starts nothing`, (t) => {
    const { status, stdout, stderr } = spawnSync(script, words, { encoding: 'utf8' });
    t.is(status, 2);
    t.is(stdout, '');
    t.regex(stderr, /^usage: sudo scripts\/vm build .*\n(usage: .*\n)+$/);
  });
}
