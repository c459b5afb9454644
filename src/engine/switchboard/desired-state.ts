/** What the records want served, ports and names: what a switchboard reads when it starts, and whenever it is asked to look again. */

import { bootId } from '../../kernel/boot.ts';
import { withHostPort } from '../../networks/port-mapping.ts';
import type { Context } from '../context.ts';
import { type NameService, nameServices } from '../dns/zones.ts';
import { machineAddresses } from '../host-facts.ts';
import type { ContainerRecord } from '../store/record.ts';
import { living } from '../store/record.ts';
import type { Records } from '../store/record-store.ts';
import type { Publication } from './protocol.ts';

export function* publications(records: Records): Generator<Publication> {
  for (const { id, name, life } of living(records.containers(), bootId())) {
    yield { owner: id, name, forwards: withHostPort(life.forwards) };
  }
}

/** @param attended containers that are about to start, and in no record yet */
export function wantedNames({ records, host }: Context, attended: readonly ContainerRecord[]): readonly NameService[] {
  const others = records.containers().filter(({ id }) => !attended.some((record) => record.id === id));
  return nameServices([...others, ...attended], records.networks(), bootId(), () => machineAddresses(host().route));
}
