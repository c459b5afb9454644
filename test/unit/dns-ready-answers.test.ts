import test from 'ava';
import { decode, type Packet } from 'dns-packet';
import { LocalAnswerCache } from '../../src/services/dns/cache.ts';
import { Responder } from '../../src/services/dns/responder.ts';
import { FakeClock, FakeServers, question, table, zone } from '../support/dns.ts';

const edns = (options: readonly object[] = []): Packet => ({
  additionals: [
    { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options, extendedRcode: 0, ednsVersion: 0 } as never,
  ],
});

function world(address = '172.18.0.2') {
  const clock = new FakeClock();
  const zoneOf = (web: string) => zone([table('front', { web: [web] })]);
  const responder = new Responder(zoneOf(address), { clock, send: new FakeServers(clock).ask });
  const ask = (message: Buffer): Buffer => {
    const answers: Buffer[] = [];
    // What is asked in is overwritten by the next datagram.
    const shared = Buffer.from(message);
    responder.respond(shared, 'udp', (answer) => answers.push(answer));
    shared.fill(0xff);
    return answers[0] ?? Buffer.alloc(0);
  };
  return { responder, ask, zoneOf };
}

test('who asks again has the same answer, with an id and letters of its own', (t) => {
  const { ask } = world();
  const first = ask(question('web', 'A', { id: 1 }));
  const again = ask(question('web', 'A', { id: 2 }));
  t.is(decode(first).id, 1);
  t.is(decode(again).id, 2);
  t.deepEqual(first.subarray(2), again.subarray(2));
  t.is(decode(ask(question('WEB', 'A'))).questions?.[0]?.name, 'WEB');
  t.is(decode(ask(question('web', 'AAAA'))).answers?.length, 0);
  t.is(decode(ask(question('web', 'A', edns()))).additionals?.length, 1, 'a client that speaks EDNS is another one');
  t.is(decode(ask(question('web'))).additionals?.length, 0);
});

test('a container that moves is known at once by its new address', (t) => {
  const { ask, responder, zoneOf } = world();
  for (const address of ['172.18.0.2', '172.18.0.9']) {
    responder.updateZone(zoneOf(address));
    for (let count = 0; count < 2; count++) t.like(decode(ask(question('web'))).answers?.[0], { data: address });
  }
});

test('as many are kept as were said, the newest of them, each with memory of its own', (t) => {
  const ready = new LocalAnswerCache(3);
  for (let count = 0; count < 10; count++) ready.put(question(`x${count}`), Buffer.of(0, 0, count));
  t.is(ready.size, 3);
  t.is(ready.get(question('x6')), undefined);
  const found = ready.get(question('x9', 'A', { id: 0x0102 }));
  t.deepEqual(found, Buffer.of(1, 2, 9));
  found?.fill(0);
  t.deepEqual(ready.get(question('x9', 'A', { id: 0x0102 })), Buffer.of(1, 2, 9));
});
