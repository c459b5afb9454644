/**
 * The machine of test/support/policy/worlds.ts, built once with `ip` alone; worlds follow each other in it.
 *
 * Whoever stands somewhere has a way to everybody: an attacker on a wire sets routes, one in a container a neighbour. So
 * what does not arrive was dropped.
 */
import type { ModelTopology } from '../../src/firewall/model/topology.ts';
import { closedTransitElements, networkElements, portElements } from '../../src/firewall/policy.ts';
import { coalesce } from '../../src/firewall/ranges.ts';
import { type Family, formatAddress } from '../../src/values/address.ts';
import type { EgressEntry } from '../../src/values/egress.ts';
import type { SetElement } from '../../src/values/set-element.ts';
import {
  addressIn,
  addressOf,
  type ContainerName,
  chosenSource,
  claimed,
  containerNames,
  families,
  lengthOf,
  linkLocal,
  type NetworkNumber,
  numbers,
  outsiders,
  subnet,
} from '../support/policy/places.ts';
import { hostPorts, type PlaceName, type PolicyQuestion, publishedPorts } from '../support/policy/questions.ts';
import { type Setting, stands } from '../support/policy/worlds.ts';
import type { Carrier } from './ruleset-carrier.ts';
import { type Place, Scene } from './ruleset-scene.ts';

export class PolicyScene extends Scene<PlaceName> {
  private elements: readonly SetElement[] = [];
  /** What was done to the bridges for the world that is there. */
  private undo: readonly string[] = [];

  static async open(carrier: Carrier): Promise<PolicyScene> {
    const host = await Scene.openHost();
    await host.ip(hostLines());
    const places = new Map<PlaceName, Place>([['host', host]]);
    await Promise.all([
      ...(['world', 'partner'] as const).map(async (name) => {
        places.set(name, await Scene.openPlace(host, name, outsideLines(name), name));
      }),
      ...containerNames.map(async (name) => {
        places.set(name, await Scene.openPlace(host, name, containerLines(name), name));
        await Promise.all(publishedPorts.map((port) => places.get(name)?.serve(port, undefined, name)));
      }),
    ]);
    await serveEverywhere(host);
    const scene = new PolicyScene(places, carrier);
    await scene.loadRuleset();
    return scene;
  }

  /** Puts a world in the place of the one before. */
  async enter({ world, bridgeNetfilter, marks }: Setting): Promise<void> {
    await this.remove(this.elements);
    await this.at('host').ip(this.undo);
    this.elements = elementsOf(world);
    const changes = bridgeChanges(world, bridgeNetfilter);
    this.undo = changes.flatMap(({ undo }) => undo).toReversed();
    await this.at('host').ip(changes.flatMap(({ lines }) => lines));
    await this.bridgeNetfilter(bridgeNetfilter);
    await this.add(this.elements);
    await this.nft(...ownersTable(marks));
  }

  /**
   * @param text what a datagram says
   * @param wait milliseconds until it counts as silence
   */
  async put(
    { from, localAddress, attempt: { to, port } }: PolicyQuestion,
    text: string,
    wait: number,
  ): Promise<string> {
    const host = formatAddress(to);
    const place = this.at(from);
    if (port === undefined) return await place.ping(host, wait, localAddress);
    return await place.question({ ...port, host, text, wait, ...(localAddress === undefined ? {} : { localAddress }) });
  }

  /** The datagrams that have come to anybody, and who that is, since this was asked last. */
  async heard(): Promise<ReadonlyMap<string, PlaceName>> {
    const all = await Promise.all(
      [...this.places].map(async ([name, place]) => (await place.heardLately()).map((text) => [text, name] as const)),
    );
    return new Map(all.flat());
  }
}

/** As the engine tells them: a container's neighbouring ports in one. */
function elementsOf({ networks, endpoints, publications, closedTransit }: ModelTopology): readonly SetElement[] {
  return [
    ...closedTransit.flatMap(closedTransitElements),
    ...networks.flatMap(({ policy, learned = [] }) => [
      ...networkElements(policy),
      ...learned.flatMap((entry) => learnedElement(policy.bridge, entry)),
    ]),
    ...endpoints.flatMap(({ container, network }) => {
      const policy = networks.find(({ name }) => name === network)?.policy;
      const own = publications.filter((each) => each.container === container);
      const facts = own.flatMap(({ forward: { binding, target } }) =>
        policy === undefined ? [] : portElements(binding, target, policy),
      );
      return coalesce(facts.map((element) => ({ element, sources: [] }))).map(({ element }) => element);
    }),
  ];
}

/** As if a name server had told of it. */
function learnedElement(bridge: string, entry: EgressEntry): readonly SetElement[] {
  if (entry.kind === 'name') return [];
  const { address } = entry.prefix;
  const { ports, protocol = 'tcp' } = entry;
  const at = [
    { type: 'inet_proto', protocol } as const,
    ...(ports === undefined ? [] : [{ type: 'ports', ...ports } as const]),
  ];
  const key = [{ type: 'ifname', name: bridge } as const, { type: 'address', address } as const];
  return [
    {
      set: `learned${ports === undefined ? '' : '_ports'}${address.family}`,
      key: ports === undefined ? key : [...key, ...at],
    },
  ];
}

/** Somebody else's, in the place of the one before. What is to have no mark meets no rule. */
function ownersTable(marks: Setting['marks']): readonly string[] {
  const set = Object.entries(marks).filter(([, mark]) => mark !== 0);
  return [
    'add table inet owner',
    'delete table inet owner',
    'add table inet owner',
    'add chain inet owner before { type filter hook prerouting priority mangle; }',
    'add chain inet owner own { type route hook output priority mangle; }',
    ...set.map(([at, mark]) =>
      at === 'host'
        ? `add rule inet owner own meta mark set ${mark}`
        : `add rule inet owner before iifname ${at} meta mark set ${mark}`,
    ),
  ];
}

interface Change {
  readonly lines: readonly string[];
  readonly undo: readonly string[];
}

/** On an isolated bridge the machine has no address, but for this test a way; ports that are apart are so by the bridge, too. */
function bridgeChanges({ networks }: ModelTopology, bridgeNetfilter: 0 | 1): readonly Change[] {
  const absent = numbers.flatMap((number) =>
    families
      .filter((family) => !stands(networks, number, family))
      .map((family): Change => {
        const [route, address] = [`route add ${subnet(number, family)} dev br${number}`, gatewayLine(number, family)];
        const flip = (line: string) => line.replace(' add ', ' delete ').replace(' nodad', '');
        return { lines: [flip(address), route], undo: [address, flip(route)] };
      }),
  );
  const apart = networks.flatMap(({ policy: { interContainer } }, index) =>
    interContainer || bridgeNetfilter === 1
      ? []
      : (['a', 'b'] as const).map((letter): Change => {
          const line = (state: string) => `link set v${letter}${index + 1} type bridge_slave isolated ${state}`;
          return { lines: [line('on')], undo: [line('off')] };
        }),
  );
  return [...absent, ...apart];
}

function gatewayLine(number: NetworkNumber, family: Family): string {
  const address = `${addressIn(number, family, 1)}/${lengthOf(family)}`;
  return `address add ${address} dev br${number}${family === 6 ? ' nodad' : ''}`;
}

function hostLines(): readonly string[] {
  return [
    'link set lo up',
    ...(['world', 'partner'] as const).flatMap((name) => {
      const { link, near } = outsiders[name];
      return [
        `netns add ${name}`,
        `link add ${link} type veth peer name eth0 netns ${name}`,
        `address add ${near[4]}/24 dev ${link}`,
        `address add ${near[6]}/64 dev ${link} nodad`,
        `link set ${link} up`,
      ];
    }),
    `address add ${chosenSource[4]}/32 dev up0`,
    `address add ${chosenSource[6]}/128 dev up0 nodad preferred_lft 0`,
    ...numbers.flatMap(bridgeLines),
  ];
}

function macOf(number: number): string {
  return `02:00:00:00:00:0${number}`;
}

function bridgeLines(number: NetworkNumber): readonly string[] {
  return [
    `link add br${number} address ${macOf(number)} type bridge forward_delay 0`,
    `link set br${number} up`,
    ...families.map((family) => gatewayLine(number, family)),
    ...(['a', 'b'] as const).flatMap((letter) => [
      `netns add ${letter}${number}`,
      `link add v${letter}${number} master br${number} type veth peer name eth0 netns ${letter}${number}`,
      `link set v${letter}${number} up type bridge_slave hairpin on`,
    ]),
  ];
}

function outsideLines(name: keyof typeof outsiders): readonly string[] {
  const { near, far } = outsiders[name];
  return [
    `address add ${far[4]}/24 dev eth0`,
    `address add ${far[6]}/64 dev eth0 nodad`,
    'address add fe80::2/64 dev eth0 nodad',
    'link set eth0 up',
    ...families.map((family) => `route add default via ${near[family]}`),
    ...(name === 'world' ? claims() : []),
  ];
}

function claims(): readonly string[] {
  return numbers.flatMap((number) => [
    `address add ${claimed(number, 4)}/32 dev eth0`,
    `address add ${claimed(number, 6)}/128 dev eth0 nodad preferred_lft 0`,
  ]);
}

/** The way to the machine is one that needs no answer of it. */
function containerLines(name: ContainerName): readonly string[] {
  const number = Number(name[1]) as NetworkNumber;
  return [
    ...families.map(
      (family) => `address add ${addressOf(name, family)}/${lengthOf(family)} dev eth0${family === 6 ? ' nodad' : ''}`,
    ),
    `address add ${linkLocal(name)}/64 dev eth0 nodad`,
    'link set eth0 up',
    ...families.flatMap((family) => [
      `neighbour add ${addressIn(number, family, 1)} lladdr ${macOf(number)} nud permanent dev eth0`,
      `route add default via ${addressIn(number, family, 1)}`,
    ]),
  ];
}

/**
 * On each address by itself: a datagram is answered from the address that it was sent to. Published ports, too: what is
 * not led to a container is told from what is lost.
 */
async function serveEverywhere(host: Place): Promise<void> {
  const addresses = families.flatMap((family) => [
    family === 4 ? '127.0.0.1' : '::1',
    ...Object.values(outsiders).map(({ near }) => near[family]),
    ...numbers.map((number) => addressIn(number, family, 1)),
  ]);
  await Promise.all(addresses.flatMap((address) => hostPorts.map((port) => host.serve(port, address, 'host'))));
}
