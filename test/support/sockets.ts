/** The sockets that published ports take. */
import { type SocketForward, socketForwardsOf } from '../../src/services/proxy/socket-forward.ts';
import { gather } from '../../src/values/forward-set.ts';
import type { Forward } from '../../src/values/port.ts';

export function sockets(...forwards: readonly Forward[]): readonly SocketForward[] {
  return socketForwardsOf(gather(forwards));
}
