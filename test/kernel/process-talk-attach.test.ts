// A person's side of a container, with real ones: conmon, crun, and `script` for a terminal.
import test from 'ava';
import { inPrivateMachine } from '../support/talk-machine.ts';

test.serial('the last words of a container that ends at once are never lost', async (t) => {
  t.deepEqual(await inPrivateMachine('quick exits'), { outputs: ['last words\n'], codes: [7], lost: 0 });
});

test.serial('50 MiB arrive as they were sent', async (t) => {
  const seen = await inPrivateMachine('much output');
  t.like(seen, { ending: { kind: 'exited', exitCode: 0 }, bytes: 52_428_800, same: true });
});

test.serial('a slow reader slows the container, and loses nothing', async (t) => {
  const seen = await inPrivateMachine('slow reader');
  t.like(seen, { ending: { kind: 'exited', exitCode: 0 }, bytes: 2_000_004, tail: 'end\n' });
});

test.serial('the container sees the end of stdin, after all of it', async (t) => {
  t.like(await inPrivateMachine('end of stdin'), { ending: { kind: 'exited', exitCode: 0 }, same: true });
});

test.serial('a reader that goes away ends the client quietly, and not the container', async (t) => {
  const seen = await inPrivateMachine('reader goes away');
  t.deepEqual(seen, { shown: 'y\n', complaint: '{"kind":"unread"}\nrc 0\n', running: true });
});

test.serial('a second client finds the container as the first one left it', async (t) => {
  const seen = await inPrivateMachine('second client');
  t.deepEqual(seen, { detached: { kind: 'detached' }, ending: { kind: 'exited', exitCode: 137 }, seen: 'one\n' });
});

test.serial('a killed monitor is told, and nobody waits for ever', async (t) => {
  t.deepEqual(await inPrivateMachine('monitor killed'), {
    status: 'unknown',
    ending: { kind: 'unseen' },
    later: 'unknown',
  });
});

test.serial('a terminal: sizes, ctrl-c, leaving, coming back, and the settings restored', async (t) => {
  const { first, again, restored } = (await inPrivateMachine('terminal')) as Record<string, string>;
  t.regex(first ?? '', /rc=130[\s\S]*44 144[\s\S]*"detached"/);
  t.regex(again ?? '', /"exited","exitCode":5/);
  t.true(restored as unknown as boolean);
});

test.serial('who attaches sees the screen, also when the size is the same as before', async (t) => {
  const { shown } = (await inPrivateMachine('a screen that was drawn')) as { shown: string[] };
  t.is(shown.length, 2);
});

test.serial('a terminal is restored after an exception and after a signal', async (t) => {
  const seen = (await inPrivateMachine('terminal, broken off')) as Record<string, string>;
  t.regex(seen.shown ?? '', /thrown on purpose[\s\S]*rc 1/);
  t.regex(seen.killed ?? '', /rc 129/);
  t.like(seen as object, { restored: true, raw: true });
});
