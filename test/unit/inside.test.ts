/** Reading in a tree that belongs to somebody else. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { requireCommand } from '../../src/kernel/exec-lookup.ts';
import { readInside } from '../../src/sys/openat2-beneath.ts';
import { lease } from '../support/lease.ts';

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

/** Renames until it is killed, and not for ever. */
const renaming = `
  const { mkdirSync, renameSync } = require('node:fs');
  const [, name] = process.argv;
  mkdirSync(name);
  process.stdout.write('begun');
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    renameSync(name, name + '-');
    renameSync(name + '-', name);
  }`;

test('who renames without end keeps nobody from finding a command by ".."', async (t) => {
  const tree = mkdtempSync('/tmp/gangway-inside-');
  mkdirSync(`${tree}/bin`);
  writeFileSync(`${tree}/bin/true`, '', { mode: 0o755 });
  symlinkSync(`${'../bin/'.repeat(20)}true`, `${tree}/bin/short`);
  symlinkSync(`${'../bin/'.repeat(500)}true`, `${tree}/bin/long`);
  // Of two one has another processor than we.
  const children = ['a', 'b'].map((name) =>
    spawn(process.execPath, ['-e', renaming, name], { cwd: tree, stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  const ended = children.map((child) => once(child, 'close'));
  t.teardown(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(ended);
    rmSync(tree, { recursive: true });
  });
  await Promise.all(children.map((child) => once(child.stdout, 'data')));
  const place = { what: 'container', root: tree, workingDirectory: '/', searchPath: '/bin' };
  t.notThrows(() => {
    for (let count = 0; count < 5000; count++) requireCommand('short', place);
    // This one may be disturbed at each attempt.
    for (let count = 0; count < 1000; count++) requireCommand('long', place);
  });
});

test('who has a lease keeps nobody waiting', async (t) => {
  const tree = mkdtempSync('/tmp/gangway-inside-');
  t.teardown(() => rmSync(tree, { recursive: true }));
  for (const access of ['read', 'write'] as const) {
    writeFileSync(`${tree}/${access}`, 'text');
    await lease(t, `${tree}/${access}`, access);
  }
  const before = performance.now();
  t.throws(() => readInside(tree, '/read'), {
    message: /^read \/read below .*, on which somebody has a lease: EAGAIN$/,
  });
  t.is(readInside(tree, '/write'), 'text');
  t.throws(() => readInside(tree, '/write', 10, constants.O_RDWR), { message: /a lease: EAGAIN$/ });
  t.true(performance.now() - before < 5000);
});
