/** `gangway reach` */
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
import type { reachOptions } from '../options.ts';
import { complain } from '../print-error.ts';
import { formatRows } from '../rows.ts';

/** At least one way leads there; none does; a packet met something else than what the rules say. */
const status = { reached: 0, unreached: 1, contradicted: 2 } as const;

export const execute: Execute<typeof reachOptions> = async ({ options, words }, context) => {
  const [from = '', text = ''] = words;
  const format = await parseListFormat(options.format, layout.headings);
  const protocol =
    options.protocol === undefined ? undefined : oneOf('--protocol', options.protocol, destinationProtocols);
  const destination = parseDestination(text, protocol);
  const mark = options.mark === undefined ? {} : { mark: parsePacketMark(options.mark, '--mark') };
  const engine = await context.engine();
  const ways = await engine.reach({ from, ...destination, ...mark, probe: options.probe });
  const isNobody = from === 'outside';
  const plain = format.kind === 'plain';
  context.stdout.write(
    plain ? ways.map((way) => lines(way, isNobody)).join('') : formatRows(ways.map(row), format, layout),
  );
  if (ways.length === 0) complain(unconnected(destination.to), context);
  if (ways.some(({ proof }) => proof?.agrees === 'no')) {
    context.stderr.write(
      'something else than gangway’s rules decides: see nft list ruleset, iptables-save, and what listens\n',
    );
    return status.contradicted;
  }
  return ways.some(({ answer }) => answer.outcome === 'reached') ? status.reached : status.unreached;
};

function unconnected(name: string): GangwayError {
  return new GangwayError('not-connected', `${name} is in no network, and has no address that could be asked`);
}

/** The answer, and below it the steps of the way. */
function lines(way: ReachWay, isNobody: boolean): string {
  const { answer, proof } = way;
  const first =
    answer.outcome === 'dropped'
      ? `no   ${asked(way)}: ${answer.reason.sentence}`
      : `yes  ${asked(way)} reaches ${destination(way)}, which sees ${seen(way, isNobody)}`;
  const steps = answer.way.map(({ at, sentence }) => `       ${at}: ${sentence}`);
  const probe = proof === undefined ? [] : [`       probe: ${proofs[proof.outcome]}${agreements[proof.agrees]}`];
  return [first, ...steps, ...probe, ''].join('\n');
}

function asked({ address, port }: ReachWay): string {
  if (port === undefined) return `${formatAddress(address)}, ping`;
  return port === 'any' ? `${formatAddress(address)}, any other port` : formatDestination(address, port);
}

function destination({ answer, port }: ReachWay): string {
  if (answer.outcome === 'dropped') return '';
  const { where } = answer;
  const there = formatDestination(where.address, port === 'any' ? undefined : where.port);
  if (where.kind === 'container') return `${where.container} at ${there}`;
  return where.kind === 'host' ? `the machine at ${there}` : `${there} by ${where.link}`;
}

/** Somebody outside has an address that nobody has told. */
function seen({ answer }: ReachWay, isNobody: boolean): string {
  if (answer.outcome === 'dropped') return '';
  const own = !answer.way.some(({ at }) => at === 'masks' || at === 'switchboard');
  return isNobody && own ? 'the client’s own address' : formatAddress(answer.seen);
}

const proofs = {
  arrived: 'there is an answer',
  refused: 'refused, so the packet was there',
  unreachable: 'unreachable',
  silent: 'no answer',
} as const;

const agreements = { yes: '', no: ': unlike what the rules say', unknown: ', which proves nothing here' } as const;

const layout = {
  headings: {
    Reached: 'REACHED',
    Address: 'ADDRESS',
    Port: 'PORT',
    Destination: 'DESTINATION',
    Seen: 'SEEN',
    Decision: 'DECISION',
    Why: 'WHY',
    Way: 'WAY',
    Probe: 'PROBE',
    Agrees: 'AGREES',
  },
  columns: [],
} as const;

function row(way: ReachWay) {
  const { address, port, answer, proof } = way;
  return {
    Reached: answer.outcome === 'reached' ? 'yes' : 'no',
    Address: formatAddress(address),
    Port: port === undefined ? 'ping' : port === 'any' ? 'any' : formatPort(port),
    Destination: destination(way),
    Seen: seen(way, false),
    Decision: answer.outcome === 'dropped' ? answer.reason.decision : '',
    Why: answer.outcome === 'dropped' ? answer.reason.sentence : '',
    Way: answer.way.map(({ at, sentence }) => `${at}: ${sentence}`).join('; '),
    Probe: proof?.outcome ?? '',
    Agrees: proof?.agrees ?? '',
  };
}
