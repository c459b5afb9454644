/** Which network somebody means. */
import test from 'ava';
import { findNetwork } from '../../src/engine/store/network-lookup.ts';

const all = [
  { id: 'ab12', name: 'web' },
  { id: 'ab34', name: 'ab12' },
  { id: 'cd56', name: 'ab' },
  { id: 'cd78', name: 'db' },
];

const meant = (reference: string) => findNetwork(all, ({ name }) => name, reference)?.id;

test('an id comes before a name, and a name before the beginning of an id', (t) => {
  t.is(meant('ab12'), 'ab12');
  t.is(meant('ab'), 'cd56');
  t.is(meant('ab3'), 'ab34');
  t.is(meant('db'), 'cd78');
  t.is(meant('x'), undefined);
  t.is(meant(''), undefined, 'with nothing every id begins');
});

test('where several ids begin so, none is meant', (t) => {
  t.throws(() => meant('cd'), { code: 'network-not-found', message: 'network cd is ambiguous: 2 ids begin so' });
});
