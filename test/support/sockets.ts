/** The sockets that published ports take. */
import { type SocketForward, share } from '../../src/services/proxy/socket-forward.ts';
import { gather } from '../../src/values/forward-set.ts';
import type { Forward } from '../../src/values/port.ts';

export function sockets(...forwards: readonly Forward[]): readonly SocketForward[] {
  return share(gather(forwards));
}
