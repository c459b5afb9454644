/** Everything that carries published ports, for tests that are the same on each. */

import { NodeRelays } from '../../src/services/proxy/fallback-relays.ts';
import type { Carrier, RelayOptions } from '../../src/services/proxy/relay.ts';
import { Engine } from '../../src/services/proxy/splice-worker/splice-worker.ts';

export type CarrierName = 'engine' | 'node';

/** An engine that must not fail: nothing takes over. */
export function newCarrier(name: CarrierName, options: RelayOptions = {}): Carrier {
  if (name === 'node') return new NodeRelays(options);
  const say = (sentence: string) => {
    throw new Error(sentence);
  };
  return new Engine({ ...options, fallback: new NodeRelays(), say });
}
