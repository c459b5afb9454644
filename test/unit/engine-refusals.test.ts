/** What the machine and the records forbid is refused with a sentence when it is asked for. */
import test from 'ava';
import { gangway } from '../support/cli.ts';
import { Facts } from '../support/fuzz/facts.ts';
import { defaultBridge } from '../support/records.ts';

const refused: Readonly<Record<string, RegExp>> = {
  'network connect --ip 10.1.0.0 front web': /address 10\.1\.0\.0 is the network address of 10\.1\.0\.0\/24/,
  'network connect --ip 10.1.0.255 front web': /is the broadcast address of/,
  'network connect --ip 10.1.0.1 front web': /is the gateway of 10\.1\.0\.0\/24/,
  'network connect --ip 10.1.0.7 front web': /is reserved as --aux-address printer/,
  'network connect --ip 10.9.9.9 front web': /10\.9\.9\.9 is in no subnet of network front/,
  'network connect --ip6 fd00::9 front web': /fd00::9 is in no subnet of network front/,
  'network create -o com.docker.network.bridge.name=gangway0 new': /that is the one of network bridge; choose another/,
  'network create -o com.docker.network.bridge.name=br-front new': /that is the one of network front; /,
  'network create -o com.docker.network.bridge.name=eth0 new': /there is a link eth0 already; /,
};

for (const [line, sentence] of Object.entries(refused)) {
  test(`gangway ${line}`, async (t) => {
    using facts = new Facts();
    const createEngine = async (options: Parameters<Facts['planner']>[0]) => facts.planner(options);
    const { status, stdout, stderr } = await gangway(['explain', ...line.split(' ')], { createEngine });
    t.is(status, 1);
    t.is(stdout, '');
    t.regex(stderr, sentence);
  });
}

test('the default bridge is not removed by its id either, nor by the beginning of that', async (t) => {
  using facts = new Facts();
  facts.put('networks', defaultBridge);
  const engine = facts.planner({});
  for (const reference of ['bridge', defaultBridge.id, defaultBridge.id.slice(0, 12)]) {
    await t.throwsAsync(engine.removeNetwork(reference), { message: /network bridge is predefined/ }, reference);
  }
});
