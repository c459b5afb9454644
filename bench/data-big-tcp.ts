/** Measures packet sizes (src/networks/big-tcp.ts) on networks with different `gangway.big-tcp`, in turns. */
import { type DataPlace, load, type Prefix, services } from './data-forward.ts';
import { makeNetwork, startServices, within } from './data-network.ts';
import type { Tools } from './data-rounds.ts';
import type { Log } from './log.ts';

interface Scene {
  readonly name: string;
  readonly server: DataPlace;
  readonly client: Prefix;
}

/** The base of the comparison, which all kernels support. */
export const sizesOff = 'off';
const settings = [
  { name: sizesOff, bigTcp: 'off', internal: false },
  { name: 'auto', bigTcp: 'auto', internal: false },
  { name: 'auto, internal', bigTcp: 'auto', internal: true },
  { name: 'on', bigTcp: 'on', internal: false },
] as const;

/** @param firstNumber first unused network number */
export async function measureBigTcp(log: Log, firstNumber: number, tools: Tools): Promise<void> {
  const scenes: Scene[] = [];
  for (const [index, { name, bigTcp, internal }] of settings.entries()) {
    const [server, client] = await makeNetwork(firstNumber + index, bigTcp, internal);
    if (server === undefined || client === undefined) throw new RangeError(`${name}: two containers are needed`);
    await startServices(tools.program, server, tools.counter);
    scenes.push({ name, server: { address: server.address, port: services.sink }, client: within(client) });
  }
  const warm = { ...tools, milliseconds: Math.ceil(tools.milliseconds / 2) };
  takeTurns(scenes, warm);
  for (let round = 0; round < tools.rounds; round++) {
    takeTurns(round % 2 === 0 ? scenes : scenes.toReversed(), tools, log);
  }
}

function takeTurns(scenes: readonly Scene[], { program, milliseconds }: Tools, log?: Log): void {
  for (const from of ['container', 'machine']) {
    for (const streams of [1, 8]) {
      for (const { name, server, client } of scenes) {
        const prefix = from === 'container' ? client : [];
        const [bytes = 0, seconds = 0] = load(program, prefix, 'up', server, [`${streams}`, `${milliseconds}`]);
        const title = `${from} to container, ${streams === 1 ? 'one stream' : `${streams} streams`}`;
        log?.add(title, name, (bytes * 8) / seconds / 1e9, 'Gbit/s');
      }
    }
  }
}
