import test from 'ava';
import { takeService } from '../../src/kernel/sd-notify.ts';
import { isListening } from '../../src/kernel/unix-listeners.ts';

const passed = (environment: Record<string, string>, pid = 7) => [...takeService(environment, pid).sockets];

test('passed sockets, by their names, from descriptor 3 on', (t) => {
  t.deepEqual(passed({ LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'switchboard:other' }), [
    ['switchboard', 3],
    ['other', 4],
  ]);
  t.deepEqual(
    passed({ LISTEN_PID: '7', LISTEN_FDS: '1' }),
    [['unknown', 3]],
    'sd_listen_fds_with_names(3) calls it so',
  );
});

test('none where none were passed, or to somebody else', (t) => {
  t.deepEqual(passed({}), []);
  t.deepEqual(passed({ LISTEN_PID: '8', LISTEN_FDS: '1', LISTEN_FDNAMES: 'switchboard' }), []);
  t.deepEqual(passed({ LISTEN_PID: '7', LISTEN_FDS: 'many' }), []);
});

test('nothing of it is left for whom we start', (t) => {
  const environment = {
    LISTEN_PID: '8',
    LISTEN_FDS: '1',
    LISTEN_FDNAMES: 'switchboard',
    NOTIFY_SOCKET: '/nosuch',
    PATH: '/bin',
  };
  takeService(environment, 7);
  t.deepEqual(environment as object, { PATH: '/bin' });
});

test('where nobody waits for a word, none is said', (t) => {
  t.notThrows(() => takeService({}).notify('READY=1'));
});

test('who has gone that waited for a word is an error', (t) => {
  t.throws(() => takeService({ NOTIFY_SOCKET: '/nosuch/socket' }).notify('READY=1'), {
    message: /write to \/nosuch\/socket: ENOENT/,
  });
});

test('an abstract name is one of the kernel’s, and not of a file', (t) => {
  const error = t.throws(() => takeService({ NOTIFY_SOCKET: '@gangway-nosuch' }).notify('READY=1'));
  t.regex(String(error), /ECONNREFUSED/);
});

const table = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000003 00000000 00000000 0001 03 8364597
0000000000000000: 00000002 00000000 00010000 0001 01    1521 /run/one of mine.sock
0000000000000000: 00000003 00000000 00000000 0001 03 8362510 /run/files
`;

test('who listens is told from who is connected, and from a file that was left', (t) => {
  t.true(isListening('/run/one of mine.sock', table));
  t.false(isListening('/run/files', table));
  t.false(isListening('/run/nosuch', table));
  t.false(isListening('', table));
  t.false(isListening('/nosuch'));
});
