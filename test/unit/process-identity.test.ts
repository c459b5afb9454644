import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { homeDirectoryOf, readArchivedAccounts, resolveUser } from '../../src/services/process/user-lookup.ts';

/** An archive with so many bytes before the last line of its /etc/passwd. */
function archive(t: ExecutionContext, bytes: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-identity-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'etc'));
  writeFileSync(join(directory, 'etc/passwd'), `${'#'.repeat(bytes)}\nweb:x:1000:33::/:/bin/sh\n`);
  const path = join(directory, 'tree.tar');
  spawnSync('tar', ['--create', `--file=${path}`, `--directory=${directory}`, './etc']);
  return path;
}

test('the last entry of a long list counts: a uid without its entry would have root’s group', (t) => {
  const accounts = readArchivedAccounts(archive(t, 2 << 20));
  t.deepEqual(resolveUser('1000', accounts), { uid: 1000, gid: 33, additionalGids: [] });
  t.is(accounts.group, '');
});

test('a list that is too long is refused, and not cut', (t) => {
  t.throws(() => void readArchivedAccounts(archive(t, 17 << 20)), {
    code: 'program-failed',
    message: /^etc\/passwd of root file system ".*" could not be read: it says more than 16777216 bytes$/,
  });
});

test('lists of lines alone take no more memory than themselves', (t) => {
  const kilobytes = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  const lines = '\n'.repeat(16 << 20);
  const accounts = { passwd: `${lines}web:x:1000:33::/srv:/bin/sh\n`, group: `${lines}ssl:x:30:web\n` };
  const before = kilobytes();
  t.deepEqual(resolveUser('web', accounts), { uid: 1000, gid: 33, additionalGids: [30] });
  t.is(homeDirectoryOf(1000, accounts), '/srv');
  const grown = kilobytes() - before;
  t.true(grown < 200_000, `${grown} kB`);
});
