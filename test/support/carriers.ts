/** Everything that carries published ports, for tests that are the same on each. */
import { Engine } from '../../src/services/proxy/engine/engine.ts';
import type { Carrier, RelayOptions } from '../../src/services/proxy/forward.ts';
import { NodeRelays } from '../../src/services/proxy/node-relays.ts';

export type CarrierName = 'engine' | 'node';

/** An engine that must not fail: nothing takes over. */
export function newCarrier(name: CarrierName, options: RelayOptions = {}): Carrier {
  if (name === 'node') return new NodeRelays(options);
  const say = (sentence: string) => {
    throw new Error(sentence);
  };
  return new Engine({ ...options, fallback: new NodeRelays(), say });
}
