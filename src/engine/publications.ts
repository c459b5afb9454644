/** What the records want served: what a switchboard reads when it starts, and whenever it is asked to look again. */
import { bootId } from '../kernel/boot.ts';
import type { Records } from './records.ts';
import type { Publication } from './switchboard/protocol.ts';

export function* publications(records: Records): Generator<Publication> {
  const boot = bootId();
  for (const { id, name, life } of records.containers()) {
    if (life === undefined || life.boot !== boot || life.forwards.length === 0) continue;
    yield { owner: id, name, forwards: life.forwards };
  }
}
