import test from 'ava';
import { type OpenFiles, requireRoom } from '../../src/engine/switchboard/fd-limit.ts';
import { GangwayError } from '../../src/values/errors.ts';

function refusal(sockets: number, files: OpenFiles): GangwayError | undefined {
  try {
    requireRoom(sockets, files);
    return undefined;
  } catch (error) {
    if (error instanceof GangwayError) return error;
    throw error;
  }
}

test('ten thousand ports within 20,000 open files, and as many of UDP where the limit is raised', (t) => {
  t.is(refusal(10_000, { limit: 20_000, open: 48 }), undefined);
  t.is(refusal(20_000, { limit: 20_000, open: 48 })?.code, 'not-supported');
  t.is(refusal(20_000, { limit: 1_048_576, open: 48 }), undefined);
});

test('a sixteenth is left to clients, and more than nothing of a low limit', (t) => {
  const room = (limit: number) => {
    let sockets = 0;
    while (refusal(sockets + 1, { limit, open: 48 }) === undefined) sockets++;
    return sockets;
  };
  t.is(room(20_000), 20_000 - 48 - 64 - 1250);
  t.is(room(512), 512 - 48 - 64 - 64);
});

test('the limit that is told would do, and the one below it would not', (t) => {
  for (const [sockets, limit] of [
    [131_070, 20_000],
    [300, 300],
    [1000, 1024],
    [90_001, 20_000],
  ] as const) {
    const hint = refusal(sockets, { limit, open: 51 })?.hint ?? '';
    const [, told] = /LimitNOFILE=(\d+)$/.exec(hint) ?? [];
    t.is(refusal(sockets, { limit: Number(told), open: 51 }), undefined, hint);
    t.truthy(refusal(sockets, { limit: Number(told) - 2, open: 51 }), hint);
  }
});

test('who has a limit that is not to be had any more is told to be ended first', (t) => {
  t.like(refusal(2, { limit: 2, open: 1, pid: 7 }), {
    message: '2 published ports need an open file each, and the limit of open files, 2, has room for 0',
    hint: 'publish fewer ports, or `kill 7`, and start gangway where `ulimit -Hn` says 131 or more, in a service by LimitNOFILE=131',
  });
});
