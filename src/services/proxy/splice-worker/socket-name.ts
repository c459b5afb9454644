/** A container's address and port as the kernel takes them, at a place that does not move. */
import { type Endpoint, encodeEndpoint } from '../../../sys/inet-socket.ts';
import { addressOf } from '../../../sys/system-calls.ts';

export interface SocketName {
  readonly bytes: Uint8Array;
  readonly address: number;
}

export function socketName(endpoint: Endpoint): SocketName {
  const bytes = encodeEndpoint(endpoint);
  return { bytes, address: addressOf(bytes) };
}
