/** Packets of every kind with one text, to detect rules that depend on ports or protocols. */
import { icmp, ip4, ip6, packet, protocols, tcp, udp, type Way, word } from './packets.ts';

/** Creates packets with a text. */
export type Make = (text: string) => readonly Buffer[];

let port = 20_000;

/** Returns a datagram from an unused port, which belongs to no connection. */
export function datagram(way: Way, to: number, text: string): Buffer {
  return packet(way, protocols.udp, udp(way, ++port, to, text));
}

/** Returns packets of all kinds; port 80 may be published. */
export function everyKind(way: Way): Readonly<Record<string, Make>> {
  return { ...plain(way), ...(way.destination.includes(':') ? inPieces6(way) : inPieces4(way)) };
}

function plain(way: Way): Readonly<Record<string, Make>> {
  const six = way.destination.includes(':');
  const own = six ? { icmp: protocols.icmp6, echo: 128, gone: 1 } : { icmp: protocols.icmp, echo: 8, gone: 3 };
  const lost = packet({ source: way.destination, destination: way.source }, protocols.udp, Buffer.alloc(16, 7));
  const control = (type: number, code: number, body: readonly (Buffer | string)[]) => [
    packet(way, own.icmp, icmp(way, type, code, Buffer.concat(body.map((part) => Buffer.from(part))))),
  ];
  const segment = (from: number, to: number, text: string, flags: number) => [
    packet(way, protocols.tcp, tcp(way, from, to, text, flags)),
  ];
  return {
    'UDP, port 80': (text) => [datagram(way, 80, text)],
    'UDP, port 81': (text) => [datagram(way, 81, text)],
    'TCP, SYN': (text) => segment(++port, 80, text, 0x02),
    'TCP, SYN and ACK': (text) => segment(80, ++port, text, 0x12),
    'TCP, RST': (text) => segment(80, ++port, text, 0x04),
    'an echo request': (text) => control(own.echo, 0, [word(++port), word(1), text]),
    'an error about a packet that was not sent': (text) => control(own.gone, 3, [Buffer.alloc(4), lost, text]),
    'an unknown protocol': (text) => [packet(way, 253, Buffer.from(text))],
  };
}

/** Returns a datagram in fragments, or with the ports at another offset. */
const long = (way: Way, text: string) => udp(way, ++port, 81, text.padEnd(40, '.'));

function inPieces4(way: Way): Readonly<Record<string, Make>> {
  return {
    'two fragments': (text) => {
      const whole = long(way, text);
      return [
        ip4(way, protocols.udp, whole.subarray(0, 24), { fragment: 0x2000 }),
        ip4(way, protocols.udp, whole.subarray(24), { fragment: 3 }),
      ];
    },
  };
}

function inPieces6(way: Way): Readonly<Record<string, Make>> {
  return {
    'a fragment that is the whole': (text) => [
      ip6(way, 44, Buffer.concat([Buffer.of(protocols.udp, 0, 0, 0, 0, 0, 0, 7), long(way, text)])),
    ],
    'behind options for the destination': (text) => [
      ip6(way, 60, Buffer.concat([Buffer.of(protocols.udp, 0, 1, 4, 0, 0, 0, 0), long(way, text)])),
    ],
  };
}
