/** `gangway reach`: who reaches whom, by which address and port, and why not. Reads; changes nothing, needs no lock. */
import { type Answer, dropped } from '../../firewall/model/answer.ts';
import { evaluate } from '../../firewall/model/model.ts';
import type { ModelTopology } from '../../firewall/model/topology.ts';
import { bootId } from '../../kernel/boot.ts';
import { KernelHandles } from '../../plan/kernel-handles.ts';
import { formatAddress, isAddress } from '../../values/address.ts';
import { destinationProtocols } from '../../values/destination-grammar.ts';
import { GangwayError } from '../../values/errors.ts';
import { parsePacketMark } from '../../values/firewall-mark.ts';
import { oneOf } from '../../values/literal.ts';
import type { Port } from '../../values/port.ts';
import { parsePort } from '../../values/port-grammar.ts';
import type { Context } from '../context.ts';
import type { ReachQuestion, ReachWay } from '../engine.ts';
import { activeBackend } from '../firewall/backend-selection.ts';
import { warnOfForeignRules } from '../firewall/reconcile.ts';
import type { NetworkRecord } from '../store/record.ts';
import { observeWorld } from './model-input.ts';
import { prove } from './probe.ts';
import { type Asker, askerOf } from './source.ts';
import { type Ask, asksOf } from './targets.ts';

/**
 * The ways from one to the other, each with what becomes of it.
 *
 * @throws GangwayError container-not-found, container-not-running; not-supported for containers on no bridge, and for a
 *   probe from outside; invalid-port, invalid-option
 */
export async function reach(context: Context, question: ReachQuestion): Promise<readonly ReachWay[]> {
  check(question);
  const world = observeWorld(context);
  const asker = askerOf(context, world, question.from);
  const all = asksOf(context, world, asker, question).map((ask) => {
    return { ask, answer: answerTo(world, asker, ask, question.mark) };
  });
  const told = all.filter(({ ask }) => !isCovered(ask, all));
  warnOfForeignRules(context, activeBackend(context), standing(context));
  if (question.probe !== true) return told.map(wayOf);
  if (asker.place === undefined) throw fromElsewhere(question.from);
  using kernel = new KernelHandles(context.host());
  const { place, source } = asker;
  const keepsMark = place === 'host';
  if (question.mark !== undefined && !keepsMark) context.onWarning(lostMark(question.from));
  const sender = { place: kernel.namespace(place), source, mark: question.mark, keepsMark };
  return await Promise.all(
    told.map(async (each) => (each.ask.hidden ? wayOf(each) : await prove(sender, wayOf(each)))),
  );
}

function lostMark(from: string): string {
  return `the kernel takes the mark off what leaves the network namespace of ${from}: a probe has one if a rule of this machine gives it`;
}

/** Networks that have a link now. */
function standing({ records }: Context): readonly NetworkRecord[] {
  const boot = bootId();
  return records.networks().filter(({ made }) => made?.boot === boot);
}

interface Answered {
  readonly ask: Ask;
  readonly answer: Answer;
}

function wayOf({ ask: { address, port }, answer }: Answered): ReachWay {
  return { address, ...(port === undefined ? {} : { port }), answer };
}

/** @throws GangwayError invalid-port, invalid-option */
function check({ to, port, protocol, mark }: ReachQuestion): void {
  if (protocol !== undefined) oneOf('--protocol', protocol, destinationProtocols);
  if (port !== undefined) parsePort(String(port));
  if (mark !== undefined) parsePacketMark(String(mark), '--mark');
  const needsPort = (isAddress(to) || to === 'host') && protocol !== undefined && protocol !== 'icmp';
  if (port !== undefined || !needsPort) return;
  throw new GangwayError('invalid-port', `${protocol} to ${to} needs a port`, { hint: `write ${to}:80, say` });
}

function fromElsewhere(from: string): GangwayError {
  return new GangwayError('not-supported', `a probe from ${from} would have to be sent by another machine`, {
    hint: 'ask there: curl, or ping',
  });
}

function answerTo(world: ModelTopology, asker: Asker, { address, port, hidden }: Ask, mark = 0): Answer {
  if (hidden) {
    return dropped('loopback', `${formatAddress(address)} of the machine is reached from the machine alone`, []);
  }
  const origin = asker.to(address);
  if ('outcome' in origin) return origin;
  const asked = port === 'any' ? unpublished(world) : port;
  return evaluate(world, { from: origin, to: address, mark, ...(asked === undefined ? {} : { port: asked }) });
}

/** A port that nobody publishes. */
function unpublished({ publications }: ModelTopology): Port {
  const taken = new Set(publications.flatMap(({ forward: { binding } }) => [binding.containerPort, binding.hostPort]));
  let port = 1;
  while (taken.has(port)) port++;
  return { protocol: 'tcp', port };
}

/** Where every port is open, no single one need be told. */
function isCovered({ address, port }: Ask, all: readonly Answered[]): boolean {
  if (port === undefined || port === 'any') return false;
  return all.some(({ ask, answer }) => ask.port === 'any' && answer.outcome === 'reached' && ask.address === address);
}
