/** Reading in a tree that belongs to somebody else. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { readInside } from '../../src/sys/inside.ts';

test('a regular file, and nothing that would keep us, speak, or fill the memory', (t) => {
  const tree = mkdtempSync('/tmp/gangway-inside-');
  t.teardown(() => rmSync(tree, { recursive: true }));
  mkdirSync(`${tree}/etc`);
  const put = (name: string, text: string) => writeFileSync(`${tree}/etc/${name}`, text);
  put('passwd', 'root:x:0:0::/root:/bin/sh\n');
  put('empty', '');
  put('huge', '');
  truncateSync(`${tree}/etc/huge`, 17 << 20);
  symlinkSync('/etc/passwd', `${tree}/etc/link`);
  execFileSync('mkfifo', [`${tree}/etc/fifo`]);
  t.is(readInside(tree, '/etc/link'), 'root:x:0:0::/root:/bin/sh\n');
  t.is(readInside(tree, '/etc/empty'), '');
  t.throws(() => readInside(tree, '/etc/fifo'), { message: /fifo below .*no regular file: EINVAL/ });
  t.throws(() => readInside(tree, '/etc'), { message: /no regular file: EINVAL/ });
  t.throws(() => readInside(tree, '/etc/huge'), { message: /17825792 bytes: EFBIG/ });
  t.throws(() => readInside(tree, '/etc/passwd', 25), { message: /26 bytes: EFBIG/ });
  t.is(readInside(tree, '/etc/passwd', 26), readInside(tree, '/etc/passwd'));
  t.throws(() => readInside(tree, '/etc/none'), { message: /ENOENT/ });
});
