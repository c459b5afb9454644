/** Two containers that want the same port. */
import { collide, portKey } from '../../services/port-allocation.ts';
import { GangwayError } from '../../values/errors.ts';
import { spread } from '../../values/forward-set.ts';
import { grouped } from '../../values/grouped.ts';
import type { PortBinding } from '../../values/port.ts';
import { formatBinding } from '../../values/port-grammar.ts';
import type { Publication } from './protocol.ts';

/** A port that a container has, and the container's name. */
export interface Held {
  readonly name: string;
  readonly binding: PortBinding;
}

/** @returns the error that says which container is in the way, undefined if none is */
export function conflict({ forwards }: Publication, held: Iterable<Held>): GangwayError | undefined {
  const bindings = spread(forwards).map(({ binding }) => binding);
  const wanted = grouped(bindings, portKey);
  for (const { name, binding } of held) {
    const refused = wanted.get(portKey(binding))?.find((one) => collide(one, binding));
    if (refused === undefined) continue;
    const subject = formatBinding(refused);
    const message = `port ${subject} is in use by container ${name}`;
    return new GangwayError('port-in-use', message, { subject, hint: 'stop it, or publish another host port' });
  }
  return undefined;
}
