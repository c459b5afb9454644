/** Many generated worlds, each built, asked, and compared with what the model says of it. */
import fc from 'fast-check';
import { type Answer, type Dropped, formatDestination } from '../../../src/firewall/model/answer.ts';
import { formatAddress } from '../../../src/values/address.ts';
import { formatEgress, formatEntry } from '../../../src/values/egress-grammar.ts';
import { messageOf } from '../../../src/values/errors.ts';
import { formatFirewallMark } from '../../../src/values/firewall-mark.ts';
import { PolicyScene } from '../../kernel/policy-model-scene.ts';
import type { Carrier } from '../../kernel/ruleset-carrier.ts';
import { expected, judged, normal, type PolicyQuestion, questions } from './questions.ts';
import { type Setting, settings } from './worlds.ts';

export interface Extent {
  readonly seed: number;
  /** Worlds. */
  readonly count: number;
  /** Of each world. */
  readonly questions: number;
}

/** @returns where model and packets differ, with the seed with which it is found again */
export async function comparing(
  carrier: Carrier,
  { seed, count, questions: most }: Extent,
): Promise<string | undefined> {
  const scene = await PolicyScene.open(carrier);
  try {
    const property = fc.asyncProperty(settings, async (setting) => {
      await scene.enter(setting);
      const differences = await differing(scene, setting, questions(setting, most));
      if (differences.length > 0) throw new Error(`${differences.join('\n')}\n${described(setting)}`);
    });
    const { failed, numRuns, errorInstance } = await fc.check(property, {
      seed,
      numRuns: count,
      endOnFailure: true,
    });
    if (!failed) return undefined;
    return `${carrier.name}, seed ${seed}, world ${numRuns}\n${messageOf(errorInstance)}`;
  } finally {
    await scene.close();
  }
}

/** Who seems to be wrong is asked once more: a busy machine may have been late. */
async function differing(
  scene: PolicyScene,
  setting: Setting,
  asked: readonly PolicyQuestion[],
): Promise<readonly string[]> {
  const first = await wrong(scene, setting, asked);
  const second = await wrong(
    scene,
    setting,
    first.map(({ question }) => question),
  );
  return second.map((each) => each.sentence);
}

/** Patient with who should answer, short with who should not. And what is dropped must not have arrived either. */
async function wrong(scene: PolicyScene, setting: Setting, asked: readonly PolicyQuestion[]) {
  const outcomes = await Promise.all(
    asked.map(async (question, index) => {
      const answer = judged(setting, question);
      const got = normal(await scene.put(question, String(index), answer.outcome === 'dropped' ? 600 : 6000));
      return { question, answer, got, index };
    }),
  );
  const heard = await scene.heard();
  return outcomes.flatMap(({ question, answer, got, index }) => {
    const hearer =
      answer.outcome === 'dropped' && !isForTheWayBack(question, answer) ? heard.get(String(index)) : undefined;
    if (got === expected(answer) && hearer === undefined) return [];
    return [{ question, sentence: sentence(question, answer, hearer === undefined ? got : `heard by ${hearer}`) }];
  });
}

/** To internal and isolated networks the machine itself may send: it is the answer that is dropped. */
function isForTheWayBack({ from }: PolicyQuestion, { reason }: Dropped): boolean {
  return from === 'host' && ['no-way', 'other-address'].includes(reason.decision);
}

function sentence({ from, localAddress, attempt }: PolicyQuestion, answer: Answer, got: string): string {
  const bound = localAddress === undefined ? '' : ` (${localAddress})`;
  const mark = attempt.mark === undefined || attempt.mark === 0 ? '' : ` with the mark 0x${attempt.mark.toString(16)}`;
  const why = answer.outcome === 'dropped' ? ` (${answer.reason.sentence})` : '';
  const destination = formatDestination(attempt.to, attempt.port);
  return `${from}${bound} asks ${destination}${mark}: ${got}, and not ${expected(answer)}${why}`;
}

function described({ world: { networks, publications, closedTransit }, bridgeNetfilter }: Setting): string {
  return [
    ...networks.map(({ name, policy, learned = [] }) =>
      JSON.stringify({
        name,
        learned: learned.map(formatEntry),
        ...policy,
        subnets: policy.subnets.map(({ address }) => address.family),
        sourceAddresses: policy.sourceAddresses.length,
        egress: policy.egress && formatEgress(policy.egress),
        acceptedMark: policy.acceptedMark && formatFirewallMark(policy.acceptedMark),
      }),
    ),
    ...publications.map(
      ({ forward: { binding, target } }) =>
        `${formatDestination(binding.hostAddress, { protocol: binding.protocol, port: binding.hostPort })} -> ${formatAddress(target)} ${binding.containerPort}`,
    ),
    `closed transit ${closedTransit.join(' ')}, bridge-nf-call-iptables ${bridgeNetfilter}`,
  ].join('\n');
}
