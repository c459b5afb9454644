/** `gangway reach`: predicts if a connection gets through, and shows the path. */
import type { ReachWay } from '../../engine/engine.ts';
import { formatDestination } from '../../firewall/model/answer.ts';
import { formatAddress } from '../../values/address.ts';
import { destinationProtocols, parseDestination } from '../../values/destination-grammar.ts';
import { GangwayError } from '../../values/errors.ts';
import { parsePacketMark } from '../../values/firewall-mark.ts';
import { oneOf } from '../../values/literal.ts';
import { formatPort } from '../../values/port-grammar.ts';
import type { Execute } from '../command.ts';
import { parseListFormat } from '../format.ts';
import { formatList, type Layout } from '../list-output.ts';
import type { reachOptions } from '../options.ts';
import { printError } from '../print-error.ts';

/** Exit statuses: at least one address is reachable; none is; a probe contradicts the prediction. */
const statuses = { reached: 0, unreached: 1, contradicted: 2 } as const;

export const reach: Execute<typeof reachOptions> = async ({ options, args }, context) => {
  const [from = '', text = ''] = args;
  const format = await parseListFormat(options.format, layout);
  const protocol =
    options.protocol === undefined ? undefined : oneOf('--protocol', options.protocol, destinationProtocols);
  const destination = parseDestination(text, protocol);
  const mark = options.mark === undefined ? {} : { mark: parsePacketMark(options.mark, '--mark') };
  const engine = await context.engine();
  const ways = await engine.reach({ from, ...destination, ...mark, probe: options.probe });
  const plain = ways.map((way) => plainText(way, from === 'outside')).join('');
  context.stdout.write(formatList(ways, format, layout, plain));
  if (ways.length === 0) printError(notConnected(destination.to), context);
  if (ways.some(({ proof }) => proof?.agrees === 'no')) {
    context.stderr.write(
      'the probe contradicts gangway’s rules; check `nft list ruleset`, `iptables-save` and the listening sockets\n',
    );
    return statuses.contradicted;
  }
  return ways.some(({ answer }) => answer.outcome === 'reached') ? statuses.reached : statuses.unreached;
};

function notConnected(name: string): GangwayError {
  return new GangwayError('not-connected', `${name} is not connected to a network, so it has no address`);
}

/** Formats the answer, then the steps of the path. */
function plainText(way: ReachWay, isExternal: boolean): string {
  const { answer, proof } = way;
  const first =
    answer.outcome === 'dropped'
      ? `no   ${target(way)}: ${answer.reason.sentence}`
      : `yes  ${target(way)} reaches ${destination(way)}, which sees ${clientAddress(way, isExternal)}`;
  const steps = answer.way.map(({ at, sentence }) => `       ${at}: ${sentence}`);
  const probe = proof === undefined ? [] : [`       probe: ${proofs[proof.outcome]}${agreements[proof.agrees]}`];
  return [first, ...steps, ...probe, ''].join('\n');
}

function target({ address, port }: ReachWay): string {
  if (port === undefined) return `${formatAddress(address)}, ping`;
  return port === 'any' ? `${formatAddress(address)}, any other port` : formatDestination(address, port);
}

function destination({ answer, port }: ReachWay): string {
  if (answer.outcome === 'dropped') return '';
  const { where } = answer;
  const there = formatDestination(where.address, port === 'any' ? undefined : where.port);
  if (where.kind === 'container') return `${where.container} at ${there}`;
  return where.kind === 'host' ? `the host at ${there}` : `${there} through ${where.link}`;
}

/** Returns the source address that the destination sees. The address of an external client is not known. */
function clientAddress({ answer }: ReachWay, isExternal: boolean): string {
  if (answer.outcome === 'dropped') return '';
  const unchanged = !answer.way.some(({ at }) => at === 'masks' || at === 'switchboard');
  return isExternal && unchanged ? 'the client’s own address' : formatAddress(answer.seen);
}

const proofs = {
  arrived: 'answered',
  refused: 'refused, so the packet arrived',
  unreachable: 'unreachable',
  silent: 'no answer',
} as const;

const agreements = { yes: '', no: ', which contradicts the rules', unknown: ', which proves nothing' } as const;

const layout: Layout<ReachWay> = {
  fields: {
    Reached: ['REACHED', ({ answer }) => (answer.outcome === 'reached' ? 'yes' : 'no')],
    Address: ['ADDRESS', ({ address }) => formatAddress(address)],
    Port: ['PORT', ({ port }) => (port === undefined ? 'ping' : port === 'any' ? 'any' : formatPort(port))],
    Destination: ['DESTINATION', destination],
    Seen: ['SEEN', (way) => clientAddress(way, false)],
    Decision: ['DECISION', ({ answer }) => (answer.outcome === 'dropped' ? answer.reason.decision : '')],
    Why: ['WHY', ({ answer }) => (answer.outcome === 'dropped' ? answer.reason.sentence : '')],
    Way: ['WAY', ({ answer }) => answer.way.map(({ at, sentence }) => `${at}: ${sentence}`).join('; ')],
    Probe: ['PROBE', ({ proof }) => proof?.outcome ?? ''],
    Agrees: ['AGREES', ({ proof }) => proof?.agrees ?? ''],
  },
};
