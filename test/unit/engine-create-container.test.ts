/** A new container's record: what was typed, and whom that means. */
import test from 'ava';
import { draftContainer } from '../../src/engine/container/create.ts';
import { containerRequest } from '../../src/values/container.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { connectionTo } from '../../src/values/network.ts';
import { Facts } from '../support/fuzz/facts.ts';

const [front, six] = ['1', '2'].map((digit) => digit.repeat(64)) as [string, string];

const wanting = (...networks: readonly string[]) =>
  containerRequest({ command: ['true'], network: { kind: 'networks', connections: networks.map(connectionTo) } });

test('networks are recorded by their names, however they were called', (t) => {
  using facts = new Facts();
  const request = wanting(front, six.slice(0, 3), 'closed', 'later');
  const record = draftContainer(facts.context(), request);
  const names = ['front', 'six', 'closed', 'later'];
  t.deepEqual(record.network, { kind: 'networks', connections: names.map(connectionTo) });
  t.is(record.request, request, 'inspect shows what was typed');
});

test('one network under two names is one network', (t) => {
  using facts = new Facts();
  for (const request of [wanting('front', front), wanting(front, front.slice(0, 12))]) {
    const error = t.throws(() => draftContainer(facts.context(), request), { instanceOf: GangwayError });
    t.is(error?.code, 'conflicting-options');
    t.regex(error?.message ?? '', /network front is given more than once/);
  }
});
