import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { readSysctl, writeSysctl } from '../../src/kernel/sysctl.ts';

// Nothing here writes to the kernel: what can be written is the machine's.

test('numbers stand one blank apart, whatever the kernel puts between them', (t) => {
  const raw = readFileSync('/proc/sys/net/ipv4/ping_group_range', 'latin1');
  t.regex(raw, /^\d+\t\d+\n$/);
  t.is(readSysctl('net/ipv4/ping_group_range'), raw.trim().split('\t').join(' '));
});

test('a text is read without its line feed', (t) => {
  t.is(readSysctl('kernel/ostype'), 'Linux');
});

test('a setting that the kernel does not have is an error that says so', (t) => {
  t.throws(() => writeSysctl({ key: 'net/ipv4/no_such_setting', value: '1' }), {
    name: 'KernelError',
    message: 'set sysctl net/ipv4/no_such_setting to 1: ENOENT: there is no such setting',
  });
  t.throws(() => readSysctl('net/ipv4/no_such_setting'), { code: 'ENOENT' });
});

test('a setting that nobody may write is an error too, root or not', (t) => {
  const error = t.throws(() => writeSysctl({ key: 'kernel/ostype', value: 'Other' }), { name: 'KernelError' });
  t.regex(error?.message ?? '', /^set sysctl kernel\/ostype to Other: (EACCES|EROFS: .*|EPERM)$/);
});

/** A directory that looks like a procfs with one setting, which keeps whatever is written. */
function elsewhere(t: ExecutionContext, value: string): string {
  const procfs = mkdtempSync(`${tmpdir()}/gangway-`);
  t.teardown(() => rmSync(procfs, { recursive: true }));
  mkdirSync(`${procfs}/sys`);
  writeFileSync(`${procfs}/sys/one`, value);
  return procfs;
}

test('what is ours is read back to its end, and an error where it is not so', (t) => {
  const long = '1-2,'.repeat(500);
  t.notThrows(() => writeSysctl({ key: 'one', value: long }, elsewhere(t, 'x')));
  // A plain file keeps the end of what was longer.
  t.throws(() => writeSysctl({ key: 'one', value: '1' }, elsewhere(t, '00')), {
    message: 'set sysctl one to 1: EINVAL: it stayed 10',
  });
});

test('what a person asks for may be shown in other words', (t) => {
  t.notThrows(() => writeSysctl({ key: 'one', value: '1', asked: true }, elsewhere(t, '00')));
});
