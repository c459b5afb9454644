import { readFileSync } from 'node:fs';
import test from 'ava';
import { readSysctl, writeSysctl } from '../../src/kernel/sysctl.ts';

// Nothing here writes: what can be written is the machine's.

test('numbers stand one blank apart, whatever the kernel puts between them', (t) => {
  const raw = readFileSync('/proc/sys/net/ipv4/ping_group_range', 'latin1');
  t.regex(raw, /^\d+\t\d+\n$/);
  t.is(readSysctl('net/ipv4/ping_group_range'), raw.trim().split('\t').join(' '));
});

test('a text is read without its line feed', (t) => {
  t.is(readSysctl('kernel/ostype'), 'Linux');
});

test('a setting that the kernel does not have is an error that says so', (t) => {
  t.throws(() => writeSysctl('net/ipv4/no_such_setting', '1'), {
    name: 'KernelError',
    message: 'set sysctl net/ipv4/no_such_setting to 1: ENOENT: there is no such setting',
  });
  t.throws(() => readSysctl('net/ipv4/no_such_setting'), { code: 'ENOENT' });
});

test('a setting that nobody may write is an error too, root or not', (t) => {
  const error = t.throws(() => writeSysctl('kernel/ostype', 'Other'), { name: 'KernelError' });
  t.regex(error?.message ?? '', /^set sysctl kernel\/ostype to Other: (EACCES|EROFS: .*|EPERM)$/);
});
