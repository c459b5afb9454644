/** The same tests on everything that carries published ports, of which each test file has one. */
import test, { type ExecutionContext } from 'ava';
import type { Carrier } from '../../src/services/proxy/relay.ts';
import { type CarrierName, newCarrier } from './carriers.ts';

/** One test after the other, each once with the engine and once with Node's own sockets. */
export function onEach(
  title: string,
  body: (t: ExecutionContext, carrier: Carrier, name: CarrierName) => unknown,
): void {
  for (const name of ['engine', 'node'] as const)
    test.serial(`${name}: ${title}`, async (t) => {
      shared[name] ??= newCarrier(name);
      await body(t, shared[name], name);
    });
}

const shared: Partial<Record<CarrierName, Carrier>> = {};
