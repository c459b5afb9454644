/**
 * What dockerd asks of a docker-proxy, by its command line.
 *
 *     docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80 [-use-listen-fd]
 *
 * Flags are Go's: one dash or two, the value behind an equals sign or as the next word, and what follows the first word that
 * is none is not looked at.
 *
 * @see https://pkg.go.dev/flag#hdr-Command_line_flag_syntax
 */
import { parseAddress } from '../../values/address.ts';
import { GangwayError } from '../../values/errors.ts';
import { cut, parseBoolean } from '../../values/literal.ts';
import type { Forward } from '../../values/port.ts';
import { parseNumber, parseProtocol } from '../../values/port-grammar.ts';

export interface ProxyArguments {
  readonly forward: Forward;
  /** The socket is bound already, and descriptor 4 of whoever asks. */
  readonly bound: boolean;
}

const valued = ['proto', 'host-ip', 'host-port', 'container-ip', 'container-port'] as const;
const flag = 'use-listen-fd';

type Flags = Readonly<Partial<Record<(typeof valued)[number] | typeof flag, string>>>;

/** @throws GangwayError usage, invalid-port, invalid-address, invalid-option */
export function parseProxyArguments(words: readonly string[]): ProxyArguments {
  const flags = parseFlags(words);
  const port = (name: 'host-port' | 'container-port') => parseNumber(required(flags, name), flags[name] ?? '', name);
  return {
    forward: {
      binding: {
        protocol: parseProtocol(flags.proto ?? 'tcp'),
        hostAddress: parseAddress(flags['host-ip'] ?? '0.0.0.0'),
        hostPort: port('host-port'),
        containerPort: port('container-port'),
      },
      target: parseAddress(required(flags, 'container-ip')),
    },
    bound: parseBoolean(flags[flag] ?? 'false', `-${flag}`),
  };
}

/** Of a flag that is given twice the last value counts. */
function parseFlags(words: readonly string[]): Flags {
  const flags: Record<string, string> = {};
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, written] = /^--?([^-].*)$/s.exec(word) ?? [];
    if (written === undefined) break;
    const [name, value] = cut(written);
    const isValued = valued.some((known) => known === name);
    if (!isValued && name !== flag) throw usage(`unknown flag: -${name}`);
    const given = written.includes('=') ? value : isValued ? rest.shift() : 'true';
    if (given === undefined) throw usage(`flag needs a value: -${name}`);
    flags[name] = given;
  }
  return flags;
}

function required(flags: Flags, name: (typeof valued)[number]): string {
  const value = flags[name];
  if (value === undefined) throw usage(`flag is missing: -${name}`);
  return value;
}

function usage(message: string): GangwayError {
  return new GangwayError('usage', message, {
    hint: `flags are ${valued.map((name) => `-${name}`).join(', ')} and -${flag}`,
  });
}
