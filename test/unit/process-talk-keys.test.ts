import test from 'ava';
import { DetachKeys, parseDetachKeys } from '../../src/services/process/detach-keys.ts';

test('keys are written as docker writes them', (t) => {
  t.deepEqual([...parseDetachKeys('ctrl-p,ctrl-q')], [16, 17]);
  t.deepEqual([...parseDetachKeys('ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_')], [0, 27, 28, 29, 30, 31]);
  t.deepEqual([...parseDetachKeys('a,ctrl-Z,DEL')], [97, 26, 127]);
  for (const wrong of ['', 'ctrl-', 'ctrl-1', 'ab', 'a,,b', 'ä']) {
    t.throws(() => parseDetachKeys(wrong), { message: `invalid detach keys ${JSON.stringify(wrong)}` });
  }
});

/** What reaches the container, and after which piece the sequence was complete. */
function type(notation: string | undefined, ...pieces: readonly string[]): readonly [string, number | undefined] {
  const keys = new DetachKeys(notation);
  let delivered = '';
  for (const [index, piece] of pieces.entries()) {
    const { deliver, detached } = keys.filter(Buffer.from(piece, 'latin1'));
    delivered += deliver.toString('latin1');
    if (detached) return [delivered, index];
  }
  return [delivered, undefined];
}

test('the sequence is found, in one piece or in several, and is not delivered', (t) => {
  t.deepEqual(type(undefined, 'ls\r\x10\x11rest'), ['ls\r', 0]);
  t.deepEqual(type(undefined, 'ls', '\x10', '\x11'), ['ls', 2]);
  t.deepEqual(type('a,b,c', 'xab', 'c'), ['x', 1]);
});

test('a beginning that is not the sequence is delivered', (t) => {
  t.deepEqual(type(undefined, '\x10', 'A'), ['\x10A', undefined]);
  t.deepEqual(type(undefined, '\x10\x10\x11'), ['\x10', 0]);
  t.deepEqual(type('a,a,b', 'aa', 'a', 'b'), ['a', 2]);
  t.deepEqual(type('a,b,a,c', 'abab', 'ac'), ['ab', 1]);
});
