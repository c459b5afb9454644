/**
 * A host with containers, and attackers outside and inside.
 *
 *     world .2, neighbour .3, … ──── switch ──── up0 .1   host   front0 10.0.1.1 ─┬─ front.a 10.0.1.2   its eth0 is
 *     203.0.113.0/24, 2001:db8:f::/64                            fd00:0:0:1::1    └─ front.b 10.0.1.3   watched
 *
 * The host is as permissive as Linux allows: it forwarded before, has no reverse path filter, accepts packets with its own
 * addresses as sources, and has no other tables that drop packets. A process in each network namespace sends any frame
 * (ruleset-place.mjs), so that an attacker in a container needs only Docker's default capabilities. tcpdump in each
 * container sees all incoming packets, before the container's own stack may drop them.
 *
 * After the attack packets, a permitted sender sends a mark to the same receiver. Attack packets that have not arrived
 * before the mark are lost. The control shows that the same packets arrive without the protection.
 */
import test, { type ExecutionContext } from 'ava';
import type { Background } from '../../src/lab/background.ts';
import { createLab } from '../../src/lab/lab.ts';
import { waitFor } from '../../src/lab/wait.ts';
import type { Family } from '../../src/values/address.ts';
import { Place } from '../kernel/ruleset-scene.ts';
import { build, program } from '../support/gangway.ts';
import { type Container, Story } from '../support/story-lab.ts';
import { type BackendName, disarm, rearm } from './backends.ts';
import { carelessness, families, inNetwork, type Layout, type NetworkLayout, subnet } from './layout.ts';

/** Packets that must not arrive. */
export interface Shot {
  readonly title: string;
  /** Container whose network the packets must not reach, or the host with its sockets. */
  readonly at: string;
  readonly fire: (text: string) => Promise<unknown>;
}

export const hostMac = '02:42:cb:00:71:01';

type Body = (t: ExecutionContext, siege: Siege) => Promise<void>;
type Weakness = (body: () => Promise<void>) => Promise<void>;

export class Siege extends Story {
  readonly containers = new Map<string, Container & { readonly mac: string; readonly seen: Background }>();
  readonly #places = new Map<string, Place>();
  #shots = 0;

  private constructor(
    lab: ConstructorParameters<typeof Story>[0],
    readonly backend: BackendName,
    readonly layout: Layout,
  ) {
    super(lab);
  }

  static async lay(backend: BackendName, layout: Layout): Promise<Siege> {
    build();
    const outside = layout.outside ?? ['world', 'neighbour'];
    const siege = new Siege(await createLab({ outside }), backend, layout);
    await Promise.all(
      ['host', ...outside].map((name) => siege.#enter(name, siege.lab.place(name).networkNamespacePath)),
    );
    for (const place of siege.#places.values()) await place.serve(markPort, '127.0.0.1');
    await siege.at('host').sysctl(carelessness());
    for (const [name, network] of Object.entries(layout.networks)) await siege.#network(name, network);
    for (const [name, words] of Object.entries(layout.containers)) await siege.#container(name, words);
    return siege;
  }

  async #network(name: string, { number, families: has = families, options = [] }: NetworkLayout): Promise<void> {
    const subnets = has.map((family) => `--subnet=${subnet(number, family)}`);
    const six = has.includes(6) ? ['--ipv6'] : [];
    const four = has.includes(4) ? [] : ['--ipv4=false'];
    const bridge = ['-o', `com.docker.network.bridge.name=${name}0`];
    await this.gangway('network', 'create', ...subnets, ...six, ...four, ...bridge, ...options, name);
  }

  async #container(name: string, words: readonly string[]): Promise<void> {
    const [network = ''] = name.split('.');
    const { families: has = families } = this.layout.networks[network] ?? {};
    const addresses = has.map((family) => `${family === 4 ? 'ip' : 'ip6'}=${this.address(name, family)}`);
    const connection = [`name=${network}`, ...addresses].join(',');
    const id = await this.gangway('run', '-d', '--name', name, '--network', connection, ...words, 'sleep', 'infinity');
    const namespace = `gangway-${id.slice(0, 12)}`;
    const pid = await this.sh(`cat /run/gangway/containers/${id}/pid`);
    await this.#enter(name, `/proc/${this.lab.pid}/root/run/netns/${namespace}`);
    const watch = ['tcpdump', '-i', 'eth0', '-Q', 'in', '-nn', '-l', '-A', '--immediate-mode'];
    const seen = this.lab.host.spawn(['nsenter', `--net=/run/netns/${namespace}`, ...watch]);
    await seen.waitForOutput(/listening on/);
    const [link] = await this.ip({ id, namespace, pid }, 'link', 'show', 'dev', 'eth0');
    this.containers.set(name, { id, namespace, pid, seen, mac: link?.address });
  }

  async #enter(name: string, network: string): Promise<void> {
    const place = await Place.open(
      'nsenter',
      `--target=${this.lab.pid}`,
      '--mount',
      '--ipc',
      '--uts',
      `--net=${network}`,
    );
    this.#places.set(name, place);
  }

  /** Runs gangway with the back end of this siege. */
  async gangway(...words: readonly string[]): Promise<string> {
    return (await this.lab.host.run([...program, `--firewall-backend=${this.backend}`, ...words])).trimEnd();
  }

  /** Returns the process of a place: the host, an outside host, or a container. */
  at(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`unknown place ${name}`);
    return place;
  }

  container(name: string) {
    const container = this.containers.get(name);
    if (container === undefined) throw new Error(`no container is called ${name}`);
    return container;
  }

  address(name: string, family: Family): string {
    const [network = '', letter] = name.split('.');
    const there = this.layout.networks[network];
    if (there === undefined) return this.lab.place(name).addresses[`v${family}`];
    return inNetwork(there.number, family, letter === undefined ? 1 : letter.charCodeAt(0) - 95);
  }

  /** Returns the MAC of a network's bridge, the gateway of its containers. */
  async bridgeMac(network: string): Promise<string> {
    const [link] = await this.ip('host', 'link', 'show', 'dev', `${network}0`);
    return link?.address;
  }

  /**
   * Checks that the attack packets arrive on a weakened host, and not on the normal host.
   *
   * @param weakness removes the tested protection. Default: removes the firewall rules
   */
  async repels(
    t: ExecutionContext<unknown>,
    shots: readonly Shot[],
    weakness: Weakness = (body) => this.disarmed(body),
  ): Promise<void> {
    await weakness(() => this.land(t, shots));
    await this.miss(t, shots);
  }

  async land(t: ExecutionContext<unknown>, shots: readonly Shot[]): Promise<void> {
    const titles = shots.map(({ title }) => title);
    t.deepEqual(await this.#fire(shots, true), titles, 'control: they arrive');
  }

  async miss(t: ExecutionContext<unknown>, shots: readonly Shot[]): Promise<void> {
    t.deepEqual(await this.#fire(shots, false), [], 'they do not arrive');
  }

  /** @returns the titles of the packets that arrived */
  async #fire(shots: readonly Shot[], patient: boolean): Promise<readonly string[]> {
    const fired = shots.map((shot) => ({ ...shot, text: `~${++this.#shots}~` }));
    for (const { fire, text } of fired) await fire(text);
    const arrived = async ({ at, text }: { readonly at: string; readonly text: string }) =>
      (await this.heard(at)).includes(text);
    const all = async () => (await Promise.all(fired.map(arrived))).every((each) => each);
    if (patient) await waitFor('the shots have arrived', all, { timeoutMilliseconds: 5_000 }).catch(() => {});
    for (const at of new Set(patient ? [] : shots.map((shot) => shot.at))) await this.#mark(at);
    const outcome = await Promise.all(fired.map(arrived));
    return fired.filter((_, index) => outcome[index]).map(({ title }) => title);
  }

  /** Returns all received packets of a place: on the link of a container, or at the sockets of other places. */
  async heard(name: string): Promise<string> {
    return this.containers.get(name)?.seen.stdout ?? (await this.at(name).heard()).join('\n');
  }

  /** Waits for two permitted packets. The second one arrives after all queues of the first one are empty. */
  async #mark(at: string): Promise<void> {
    for (const _ of [1, 2]) {
      const text = `~mark ${++this.#shots}~`;
      await this.#tell(at, text);
      await waitFor(`the mark arrives at ${at}`, async () => (await this.heard(at)).includes(text));
    }
  }

  async #tell(at: string, text: string): Promise<void> {
    const network = this.layout.networks[at.split('.')[0] ?? ''];
    const [family = 4] = network?.families ?? families;
    const host = network === undefined ? '127.0.0.1' : this.address(at, family);
    await this.at(network === undefined ? at : 'host').request('tell', { host, port: markPort, text });
  }

  /** Runs the body without any firewall rules. */
  async disarmed(body: () => Promise<void>): Promise<void> {
    await this.sh(disarm(this.backend));
    try {
      await body();
    } finally {
      await this.sh(rearm);
    }
  }

  /** Runs the body with other sysctls of the host. */
  async set(values: Readonly<Record<string, number>>, body: () => Promise<void>): Promise<void> {
    const keys = Object.keys(values);
    const before = await Promise.all(keys.map(async (key) => [key, Number(await this.sysctl('host', key))] as const));
    await this.at('host').sysctl(values);
    try {
      await body();
    } finally {
      await this.at('host').sysctl(Object.fromEntries(before.reverse()));
    }
  }

  async raise(): Promise<void> {
    await Promise.all([...this.#places.values()].map((place) => place.close()));
    await this.lab.down();
  }
}

/** Ports with a listener in each place that receives through sockets. */
const markPort = 9;

/**
 * Creates one siege for the attacks of a file, which run one after the other and restore the siege.
 *
 * @returns a function that declares an attack
 */
export function besiege(backend: BackendName, layout: Layout) {
  let siege: Siege | undefined;
  test.after.always(`removes the topology of ${backend}`, () => siege?.raise());
  const run = (body: Body) => async (t: ExecutionContext) => {
    siege ??= await Siege.lay(backend, layout);
    await body(t, siege);
  };
  return (title: string, body: Body): void => test.serial(`${title}, ${backend}`, run(body));
}
