/**
 * One bridge, an attacker, and two who trust their wire. Built with `ip` alone, in namespaces that die with the test.
 *
 *      attacker 172.17.0.2, fd00:a::2 --+                   +------------- host ----------------+
 *      victim   172.17.0.3, fd00:a::3 --+-- gangway0 -------| 172.17.0.1/16, fd00:a::1/64,      |
 *      sibling  172.17.0.4, fd00:a::4 --+                   | fe80::1                           |
 *                                                           +-----------------------------------+
 *
 * All are root in their namespaces, as Docker's containers are as far as raw sockets go: the attacker sends whatever
 * frame it likes. Each place is one Node process, which serves on ports 80 and 8080.
 */
import { senderElements } from '../../src/firewall/anti-spoofing.ts';
import { networkElements } from '../../src/firewall/policy.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { formatAddress, parseAddress } from '../../src/values/address.ts';
import { linkLocalOf, macOf } from '../../src/values/mac.ts';
import { formatSetElement } from '../../src/values/set-element.ts';
import { arp, ethernet, etherTypes } from '../support/frames.ts';
import { plainPolicy } from '../support/plain-policy.ts';
import { guardFile, type Place, Scene } from './ruleset-scene.ts';

const numbers = { attacker: 2, victim: 3, sibling: 4 } as const;

export type Container = keyof typeof numbers;

export const broadcast = 'ff:ff:ff:ff:ff:ff';
export const gateway = { mac: '02:42:ac:11:00:01', four: '172.17.0.1', six: 'fd00:a::1', link: 'fe80::1' } as const;

/** What a container has: its MAC, its addresses, and the one that the kernel gives it. */
export function own(name: Container) {
  const four = `172.17.0.${numbers[name]}`;
  const mac = macOf(parseAddress(four));
  return { mac, four, six: `fd00:a::${numbers[name]}`, link: formatAddress(linkLocalOf(mac)) };
}

export class GuardTopology extends Scene<'host' | Container> {
  static async open(bridgeNetfilter: 0 | 1): Promise<GuardTopology> {
    const host = await Scene.openHost();
    await host.ip([
      'link set lo up',
      `link add gangway0 address ${gateway.mac} type bridge forward_delay 0`,
      'address add 172.17.0.1/16 dev gangway0',
      'address add fd00:a::1/64 dev gangway0 nodad',
      'address add fe80::1/64 dev gangway0 nodad',
      'link set gangway0 up',
    ]);
    const places = new Map<'host' | Container, Place>([['host', host]]);
    for (const name of Object.keys(numbers) as Container[]) {
      const { mac, four, six } = own(name);
      await host.ip([
        `netns add ${name}`,
        `link add v${name} master gangway0 type veth peer name eth0 address ${mac} netns ${name}`,
        `link set v${name} up type bridge_slave group_fwd_mask 0xfffd`,
      ]);
      const lines = [`address add ${four}/16 dev eth0`, `address add ${six}/64 dev eth0 nodad`, 'link set eth0 up'];
      places.set(name, await Scene.openPlace(host, name, lines));
    }
    const topology = new GuardTopology(places);
    await topology.bridgeNetfilter(bridgeNetfilter);
    await topology.loadRuleset();
    await topology.add(networkElements(network));
    await host.run(['nft', '-f', guardFile]);
    return topology;
  }

  async guard(...names: readonly Container[]): Promise<void> {
    await this.#change('add', names);
  }

  async leaveUnguarded(...names: readonly Container[]): Promise<void> {
    await this.#change('delete', names);
  }

  async #change(verb: 'add' | 'delete', names: readonly Container[]): Promise<void> {
    const elements = names.flatMap((name) => {
      const { mac, four, six } = own(name);
      return senderElements({ hostLink: `v${name}`, mac, addresses: [four, six].map(parseAddress) });
    });
    await this.nft(
      ...elements.map((element) => `${verb} element bridge gangway ${element.set} { ${formatSetElement(element)} }`),
    );
  }

  /**
   * Does what the attacker sends come out at the victim, or at the host's own place on the bridge? What it sends after
   * that is honest, and broadcast: once it has come, nothing of before is on its way any more.
   *
   * @param seen how it looks there, if not as it was sent
   */
  async arrives(sink: 'victim' | 'host', frame: Buffer, seen = frame): Promise<boolean> {
    const link = sink === 'host' ? 'gangway0' : 'eth0';
    const place = this.at(sink);
    // The bridge knows everybody's port, whatever it was told before.
    for (const name of ['victim', 'sibling'] as const) await this.#speak(name, 'attacker');
    const before = (await place.seen(link)).length;
    await this.at('attacker').send('eth0', frame);
    await this.#speak('attacker', sink);
    return (await place.seen(link)).slice(before).some((found) => found.equals(seen));
  }

  /** Does the bridge keep what is for a bridge itself from the rules? */
  async groupsOfTheBridge(name: Container, kept: 'kept' | 'passed on'): Promise<void> {
    const mask = kept === 'kept' ? 0 : 0xfffd;
    await this.at('host').ip([`link set v${name} type bridge_slave group_fwd_mask ${mask}`]);
  }

  /** Says something honest, and waits until it is heard. */
  async #speak(from: Container, to: Container | 'host'): Promise<void> {
    const link = to === 'host' ? 'gangway0' : 'eth0';
    const { mac, four } = own(from);
    const question = arp({
      operation: 'request',
      sender: [mac, four],
      target: ['00:00:00:00:00:00', '172.17.200.200'],
    });
    const frame = ethernet(broadcast, mac, etherTypes.arp, question);
    const before = (await this.at(to).seen(link)).length;
    await this.at(from).send('eth0', frame);
    await waitFor(`${to} hears ${from}`, async () =>
      (await this.at(to).seen(link)).slice(before).some((found) => found.equals(frame)),
    );
  }

  /** The MAC that a place has for a neighbour: `ip neigh`. */
  async neighbour(name: 'host' | Container, address: string): Promise<string | undefined> {
    const link = name === 'host' ? 'gangway0' : 'eth0';
    const [entry] = JSON.parse(await this.at(name).run(['ip', '-j', 'neigh', 'show', 'to', address, 'dev', link]));
    return entry?.lladdr;
  }

  /** The port behind which the bridge looks for a MAC: `bridge fdb`. */
  async port(mac: string): Promise<string | undefined> {
    const entries: readonly { readonly mac: string; readonly ifname: string; readonly state: string }[] = JSON.parse(
      await this.at('host').run(['bridge', '-j', 'fdb', 'show', 'br', 'gangway0']),
    );
    return entries.find((entry) => entry.mac === mac && entry.state === '')?.ifname;
  }
}

const network = plainPolicy('gangway0', '172.17.0.1/16', 'fd00:a::1/64');
