/**
 * Containers on the wire of a lab, for the chapters that need no bridge: plans are applied in the lab, and looked at with
 * programs that are not ours.
 *
 *     host ── up0 203.0.113.1 ────────── eth0 203.0.113.2 ── world
 *              ├ c1 203.0.113.101
 *              └ c2 203.0.113.102
 */
import type { ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.ts';
import { difference, type Snapshot } from '../../src/lab/snapshot.ts';
import type { WireEndpoint } from '../../src/networks/macvlan.ts';
import { createSandbox, type Sandbox } from '../../src/networks/sandbox.ts';
import { encode } from '../../src/plan/encoding.ts';
import { explainScript } from '../../src/plan/explain.ts';
import type { Kinds } from '../../src/plan/kind.ts';
import { kernelKinds } from '../../src/plan/kinds/index.ts';
import type { DefaultRoute, Step } from '../../src/plan/step.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { macOf } from '../../src/values/mac.ts';
import type { Subnet } from '../../src/values/network.ts';
import { withLab } from './lab.ts';
import { testProgram } from './program.ts';

export const subnet4: Subnet = {
  subnet: parsePrefix('203.0.113.0/24'),
  gateway: parseAddress('203.0.113.2'),
  auxiliary: {},
};
export const subnet6: Subnet = {
  subnet: parsePrefix('2001:db8:f::/64'),
  gateway: parseAddress('2001:db8:f::2'),
  auxiliary: {},
};

/** The endpoint of the container c1, c2, …, with an address in each of the prefixes. */
export function endpoint(number: number, ...prefixes: readonly string[]): WireEndpoint {
  return {
    id: `${number}`.repeat(64),
    link: 'eth0',
    mac: macOf(parseAddress(`203.0.113.10${number}`)),
    addresses: prefixes.map(parsePrefix),
  };
}

export function sandbox(number: number): Sandbox {
  return { namespace: `c${number}` };
}

/** A container with nothing but its plug. */
export function plugged(number: number, plug: readonly Step[], ways: readonly DefaultRoute[] = []): readonly Step[] {
  const place = sandbox(number);
  const routes = ways.map((way): Step => ({ kind: 'route', in: place, ...way, why: 'the way out' }));
  return [...createSandbox(place), ...plug, ...routes];
}

export class Wire {
  constructor(readonly lab: Lab) {}

  /** Applies, in a process of its own. @returns the error's message, or nothing */
  apply(steps: readonly Step[]): Promise<string> {
    return this.#run('apply', steps);
  }

  undo(steps: readonly Step[]): Promise<string> {
    return this.#run('undo', steps);
  }

  async #run(verb: string, steps: readonly Step[]): Promise<string> {
    const options = { input: encode(steps), environment: { DISABLE_V8_COMPILE_CACHE: '1' } };
    const { exitCode, stdout, stderr } = await this.lab.host.exec([...testProgram('plan-main'), verb], options);
    if (stdout !== '' || (exitCode === 0) !== (stderr === '')) throw new Error(`${stdout}${stderr}`);
    return stderr.trimEnd();
  }

  /** What explain tells, told to sh(1). */
  async script(steps: readonly Step[], direction: 'make' | 'unmake' = 'make'): Promise<void> {
    const script = explainScript({ subject: 'a test', direction, steps }, kernelKinds as Kinds);
    await this.lab.host.run(['sh'], { input: script });
  }

  /** A command on the host, in the world, or in a container. @returns its stdout */
  async run(where: Where, ...argv: readonly string[]): Promise<string> {
    const place = where === 'world' ? this.lab.world : this.lab.host;
    const enter = typeof where === 'number' ? ['nsenter', `--net=/run/netns/c${where}`] : [];
    return await place.run([...enter, ...argv]);
  }

  /** Does a ping come back? */
  async reaches(where: Where, address: string): Promise<boolean> {
    const { host, world } = this.lab;
    const place = where === 'world' ? world : host;
    const enter = typeof where === 'number' ? ['nsenter', `--net=/run/netns/c${where}`] : [];
    return (await place.exec([...enter, 'ping', '-c1', '-W1', address])).exitCode === 0;
  }

  /** What is different from before; but for the shared directory of pins, which iproute2 keeps as well. */
  async leftSince(before: Snapshot): Promise<readonly string[]> {
    return difference(before, await this.lab.leftovers()).filter((thing) => !/ \/run\/netns( |$)/.test(thing));
  }

  /** The container's eth0, as `ip -j -d` shows it, with the addresses in its own words. */
  async eth0(number: number) {
    const [link] = JSON.parse(await this.run(number, 'ip', '-j', '-d', 'address', 'show', 'dev', 'eth0'));
    return {
      kind: link.linkinfo.info_kind as string,
      data: link.linkinfo.info_data as Record<string, unknown>,
      mac: link.address as string,
      mtu: link.mtu as number,
      addresses: (link.addr_info as { local: string; prefixlen: number }[]).map((a) => `${a.local}/${a.prefixlen}`),
    };
  }

  /** Why links of this kind can't be made here: the kernel's own words; undefined where they can. */
  async lacks(kind: 'ipvlan' | 'vlan' | 'dummy' | 'macvlan'): Promise<string | undefined> {
    const on = kind === 'dummy' ? [] : ['link', 'up0'];
    const data = kind === 'vlan' ? ['id', '7'] : [];
    const { exitCode, stderr } = await this.lab.host.exec(['ip', 'link', 'add', ...on, 'probe', 'type', kind, ...data]);
    if (exitCode !== 0) return `this kernel has no ${kind}: ${stderr.trim()}`;
    await this.lab.host.run(['ip', 'link', 'delete', 'probe']);
    return undefined;
  }
}

/** The host, the world, or the container of a number. */
type Where = 'host' | 'world' | number;

export function withWire(t: ExecutionContext, body: (wire: Wire) => Promise<void>): Promise<void> {
  return withLab(t, {}, (lab) => body(new Wire(lab)));
}
