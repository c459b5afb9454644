import { execFileSync } from 'node:child_process';
import test, { registerCompletionHandler } from 'ava';
import { addNamespace, deleteNamespace, KernelNamespace, pinPath } from '../../src/kernel/namespace.ts';
import { deleteTable, hasTable } from '../../src/kernel/nftables.ts';
import { addPortDiversion, formatPortDiversion } from '../../src/kernel/port-redirect.ts';
import { nameServerAddress } from '../../src/values/resolver.ts';
import { enterPrivateNetwork, enterPrivatePins, ip } from '../support/private-network.ts';

const nft = '/usr/sbin/nft';
const diversion = { address: nameServerAddress, port: 53, to: 61053 };

registerCompletionHandler(() => process.exit());

test.before(() => {
  enterPrivateNetwork();
  enterPrivatePins();
});

function inside(name: string, words: readonly string[], input = ''): string {
  return execFileSync('ip', ['netns', 'exec', name, nft, ...words], { input, encoding: 'utf8' });
}

test('what is written to the kernel is what nft makes of the same table in its own words', (t) => {
  addNamespace('raw');
  addNamespace('told');
  ip('-n raw link set lo up');
  const raw = KernelNamespace.open(pinPath('raw'));
  try {
    addPortDiversion(raw.netfilter, 'names', diversion);
    inside('told', ['-f', '-'], formatPortDiversion('names', diversion));
    const list = (name: string) => inside(name, ['-nn', 'list', 'ruleset']);
    t.is(list('raw'), list('told'));
    t.regex(list('raw'), /udp dport 53 dnat to 127\.0\.0\.11:61053/);
    t.true(hasTable(raw.netfilter, { family: 'ip', name: 'names' }));
    t.false(hasTable(raw.netfilter, { family: 'inet', name: 'names' }));
    t.throws(() => addPortDiversion(raw.netfilter, 'names', diversion), { message: /EEXIST/ });
    deleteTable(raw.netfilter, { family: 'ip', name: 'names' });
    t.is(list('raw'), '');
  } finally {
    raw.close();
    deleteNamespace('raw');
    deleteNamespace('told');
  }
});
