/** `gangway dns query`: what a container's programs are told of a name, by whom, and why. */
import type { KernelNamespace } from '../../kernel/namespace.ts';
import { KernelHandles } from '../../plan/kernel-handles.ts';
import { explainAnswer } from '../../services/dns/explain.ts';
import { sayWhy } from '../../services/dns/explain-text.ts';
import { flag, type Question, readQuestion } from '../../services/dns/message.ts';
import {
  type AnswerText,
  encodeQuestion,
  formatAnswer,
  type QuestionType,
  questionTypes,
} from '../../services/dns/packet-text.ts';
import type { Protocol } from '../../services/dns/upstream-query.ts';
import { dialHere, networkAsk } from '../../services/dns/upstream-socket.ts';
import { reverseName, type Zone } from '../../services/dns/zone.ts';
import { DatagramBuffer } from '../../sys/datagram-buffer.ts';
import { isAddress, parseAddress } from '../../values/address.ts';
import { GangwayError } from '../../values/errors.ts';
import { oneOf } from '../../values/literal.ts';
import { nameServerAddress } from '../../values/resolver.ts';
import { isAlive, notRunning } from '../container-state.ts';
import type { Context } from '../context.ts';
import type { NameAnswer } from '../engine.ts';
import type { ContainerRecord } from '../store/record.ts';
import { desiredNameServices } from './zones.ts';

/** As long as the C library waits. */
const patienceMilliseconds = 5000;

/**
 * Asks from within a container, as its programs do.
 *
 * @param asked a name, or an address whose name is wanted
 * @param type absent: A, or PTR of an address
 * @throws GangwayError container-not-found, container-not-running, no-name-server; invalid-name and invalid-option for
 *   what no question can hold
 */
export async function queryName(
  context: Context,
  container: string,
  asked: string,
  type: QuestionType | undefined,
): Promise<NameAnswer> {
  const usual = isAddress(asked) ? 'PTR' : 'A';
  const wanted = oneOf('--type', type ?? usual, questionTypes);
  const { namespace, zone } = nameService(context, container);
  const name = isAddress(asked) && wanted === 'PTR' ? reverseName(parseAddress(asked)) : asked;
  const message = encodeQuestion(name, wanted);
  const explanation = explainAnswer(zone, readName(message, name));
  using world = new KernelHandles(context.host());
  const place = world.namespace({ namespace });
  const answer = await ask(place, message, 'udp');
  const isCut = (answer.readUInt16BE(2) & flag.truncated) !== 0;
  return {
    name,
    type: wanted,
    ...readAnswer(isCut ? await ask(place, message, 'tcp') : answer),
    by: explanation.by,
    why: sayWhy(name, explanation),
  };
}

/** Whom the container asks. One that lives in another one's stack asks that one's. */
function nameService(context: Context, reference: string): { readonly namespace: string; readonly zone: Zone } {
  const record = context.records.container(reference);
  if (record.life === undefined || !isAlive(record.life)) throw notRunning(record.name);
  const owner = record.life.joined ?? record.id;
  const found = desiredNameServices(context, []).find((service) => service.owner === owner);
  if (found === undefined) throw noNameServer(record);
  return found;
}

function noNameServer({ name }: ContainerRecord): GangwayError {
  return new GangwayError('no-name-server', `container ${name} has no name server: no network of its has names`, {
    hint: 'connect it to a network that you made: `gangway network create`, `gangway network connect`',
  });
}

function readName(message: Buffer, name: string): Question {
  const found = readQuestion(message);
  // An empty label in its midst ends a name: what follows would be read as something else.
  if (found?.end === message.length) return found.question;
  throw new GangwayError('invalid-name', `${JSON.stringify(name)} is no name that can be asked`, {
    hint: 'at most 253 characters, and 63 between two dots',
  });
}

/** Somebody else's bytes. @throws GangwayError no-name-server */
function readAnswer(message: Buffer): AnswerText {
  try {
    return formatAnswer(message);
  } catch (cause) {
    throw new GangwayError('no-name-server', 'the answer can’t be read: its records are damaged', {
      hint: 'whoever is asked outside has made it so; ask another one with --dns',
      cause,
    });
  }
}

/** @throws GangwayError no-name-server */
async function ask(place: KernelNamespace, message: Buffer, protocol: Protocol): Promise<Buffer> {
  const exchange = networkAsk({
    dial: (upstream, by) => place.inside(() => dialHere(upstream, by)),
    buffer: new DatagramBuffer(),
    descriptorLimit: Number.POSITIVE_INFINITY,
  });
  const answer = await new Promise<Buffer | undefined>((resolve) => {
    const cancel = exchange({ address: nameServerAddress, place: 'container' }, protocol, message, (outcome) => {
      clearTimeout(timer);
      resolve(outcome.kind === 'answer' ? outcome.message : undefined);
    });
    const timer = setTimeout(() => {
      cancel();
      resolve(undefined);
    }, patienceMilliseconds);
  });
  if (answer !== undefined) return answer;
  throw new GangwayError('no-name-server', 'the container’s name server gave no answer', {
    hint: 'any other command of gangway starts it again, should it have been killed',
  });
}
