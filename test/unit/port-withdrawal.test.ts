import test from 'ava';
import { selectBindings, withoutBindings, withoutRequests } from '../../src/services/unpublish/unpublish.ts';
import { type Address, parseAddress, unspecified } from '../../src/values/address.ts';
import type { PortBinding } from '../../src/values/port.ts';
import { formatBinding, formatPublish, parsePublish } from '../../src/values/port-grammar.ts';

const any = [unspecified(4), unspecified(6)];

/** `8080:80` on both families, or on the addresses that are given. */
function bound(text: string, addresses: readonly Address[] = any): readonly PortBinding[] {
  const { protocol, hostPort, containerPort } = parsePublish(text);
  return addresses.map((hostAddress) => ({
    protocol,
    hostAddress,
    hostPort: hostPort?.first ?? 0,
    containerPort: containerPort.first,
  }));
}

const bindings = [
  ...bound('8080:80'),
  ...bound('8081:80'),
  ...bound('5353:53/udp'),
  ...bound('9000:80', [parseAddress('127.0.0.1')]),
];

const parse = (texts: readonly string[]) => texts.map(parsePublish);

const meant: readonly (readonly [text: string, found: readonly string[]])[] = [
  ['8080:80', ['0.0.0.0:8080/tcp', '[::]:8080/tcp']],
  ['0.0.0.0:8080:80', ['0.0.0.0:8080/tcp']],
  ['[::]::80', ['[::]:8080/tcp', '[::]:8081/tcp']],
  ['53/udp', ['0.0.0.0:5353/udp', '[::]:5353/udp']],
  ['127.0.0.1::80', ['127.0.0.1:9000/tcp']],
  ['8000-8080:80', ['0.0.0.0:8080/tcp', '[::]:8080/tcp']],
];

for (const [text, found] of meant) {
  test(`${text} means ${found.join(' and ')}`, (t) => {
    t.deepEqual(selectBindings('web', bindings, parse([text])).map(formatBinding), found);
  });
}

for (const text of ['8080', '8080:81', '8080:80/udp', '127.0.0.1:8080:80', '5353:53', '80-81']) {
  test(`${text} is not published, and the error says what is`, (t) => {
    const error = t.throws(() => selectBindings('web', bindings, parse(['53/udp', text])), {
      code: 'port-not-published',
      message: /^container web does not publish /,
    });
    t.like(error, {
      hint:
        'it publishes 80/tcp -> 0.0.0.0:8080, 80/tcp -> [::]:8080, 80/tcp -> 0.0.0.0:8081, 80/tcp -> [::]:8081, ' +
        '53/udp -> 0.0.0.0:5353, 53/udp -> [::]:5353, 80/tcp -> 127.0.0.1:9000',
    });
  });
}

interface Rest {
  readonly asked: readonly string[];
  readonly bound: readonly PortBinding[];
  readonly gone: string;
  readonly rest: readonly string[];
}

const rests: readonly Rest[] = [
  {
    asked: ['8080:80', '8081:80'],
    bound: [...bound('8080:80'), ...bound('8081:80')],
    gone: '8080:80',
    rest: ['8081:80/tcp'],
  },
  { asked: ['8080:80'], bound: bound('8080:80'), gone: '[::]:8080:80', rest: ['0.0.0.0:8080:80/tcp'] },
  { asked: ['80', '8080:80'], bound: [...bound('8080:80'), ...bound('40000:80')], gone: '8080:80', rest: ['80/tcp'] },
  {
    asked: ['80', '8080:80'],
    bound: [...bound('8080:80'), ...bound('40000:80')],
    gone: '40000:80',
    rest: ['8080:80/tcp'],
  },
  { asked: ['80'], bound: bound('40000:80'), gone: '0.0.0.0::80', rest: ['[::]::80/tcp'] },
  {
    asked: ['8000-8002:80-82'],
    bound: [...bound('8000:80'), ...bound('8001:81'), ...bound('8002:82')],
    gone: '81',
    rest: ['8000:80/tcp', '8002:82/tcp'],
  },
  {
    asked: ['8000-8010:80', '80'],
    bound: [...bound('8003:80'), ...bound('40000:80')],
    gone: '8003:80',
    rest: ['80/tcp'],
  },
  // The network says that what names no address is bound at 127.0.0.1.
  {
    asked: ['8080:80', '192.0.2.1:8080:80'],
    bound: bound('8080:80', [parseAddress('127.0.0.1'), parseAddress('192.0.2.1')]),
    gone: '127.0.0.1:8080:80',
    rest: ['192.0.2.1:8080:80/tcp'],
  },
];

for (const { asked, bound: all, gone, rest } of rests) {
  test(`of -p ${asked.join(' -p ')} without ${gone} is left ${rest.join(' ')}`, (t) => {
    const selected = selectBindings('web', all, parse([gone]));
    const left = all.filter((binding) => !selected.includes(binding));
    t.deepEqual(withoutBindings(parse(asked), selected, left).map(formatPublish), rest);
  });
}

const stopped: readonly (readonly [asked: readonly string[], meant: string, rest: readonly string[]])[] = [
  [['8080:80', '80', '8443:443'], '80', ['8443:443/tcp']],
  [['8080:80', '80'], '8080:80', ['80/tcp']],
  [['8080:80'], '0.0.0.0:8080:80', ['[::]:8080:80/tcp']],
  [['8000-8002:80-82', '53/udp'], '8001:81', ['8000:80/tcp', '8002:82/tcp', '53/udp']],
  [['8000-8010:80'], '8000-8010:80', []],
];

for (const [asked, text, rest] of stopped) {
  test(`of a stopped -p ${asked.join(' -p ')} without ${text} is left ${rest.join(' ') || 'nothing'}`, (t) => {
    t.deepEqual(withoutRequests('web', parse(asked), parse([text])).map(formatPublish), rest);
  });
}

test('of a stopped container what is not asked for is an error that says what is', (t) => {
  const error = t.throws(() => withoutRequests('web', parse(['8080:80', '80']), parse(['8081:80'])), {
    message: 'container web does not publish 8081:80/tcp',
  });
  t.like(error, { hint: 'it publishes 8080:80/tcp, 80/tcp' });
  t.like(
    t.throws(() => withoutRequests('web', [], parse(['80']))),
    { hint: 'it publishes nothing' },
  );
});
