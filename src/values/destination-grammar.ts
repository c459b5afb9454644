/** What `gangway reach` is asked about: `web`, `web:80`, `203.0.113.1:53/udp`, `[fd00::2]:80`. */
import { isAddress } from './address.ts';
import { GangwayError } from './errors.ts';
import { parsePort } from './port-grammar.ts';

/** Somebody, or an address, and a port where one is meant. */
export interface Destination {
  readonly to: string;
  readonly port?: number;
  /** Without a port, too, where only such ports are meant. */
  readonly protocol?: DestinationProtocol;
}

export const destinationProtocols = ['tcp', 'udp', 'sctp', 'icmp'] as const;

export type DestinationProtocol = (typeof destinationProtocols)[number];

/**
 * Reads `TO`, `TO:PORT` or `TO:PORT/PROTOCOL`.
 *
 * @param protocol as it was said besides
 * @throws GangwayError invalid-port, conflicting-options
 */
export function parseDestination(text: string, protocol?: DestinationProtocol): Destination {
  const { to, port: said } = split(text);
  if (said === undefined) return protocol === undefined ? { to } : { to, protocol };
  if (protocol === 'icmp') {
    throw new GangwayError('conflicting-options', 'a ping has no port', {
      hint: `write ${to} alone, or --protocol tcp`,
    });
  }
  if (protocol !== undefined && said.includes('/')) {
    throw new GangwayError('conflicting-options', `the protocol is said twice: ${said} and --protocol ${protocol}`, {
      hint: 'leave one of them out',
    });
  }
  const port = parsePort(said);
  return { to, port: port.port, protocol: protocol ?? port.protocol };
}

function split(text: string): { readonly to: string; readonly port?: string } {
  if (isAddress(text)) return { to: text };
  const { to, six, port } = /^(?:\[(?<six>[^\]]*)\]|(?<to>[^:]*))(?::(?<port>.*))?$/s.exec(text)?.groups ?? {};
  return { to: six ?? to ?? text, ...(port === undefined ? {} : { port }) };
}
