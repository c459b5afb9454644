/** What the planner finds: a machine, and records of networks front, six, closed and wire and of containers web and db. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Context } from '../../../src/engine/context.ts';
import { assemble, engineOf } from '../../../src/engine/create-engine.ts';
import type { Engine, EngineOptions } from '../../../src/engine/engine.ts';
import type { ContainerRecord, NetworkRecord } from '../../../src/engine/store/record.ts';
import { optionsOf } from '../../../src/networks/bridge.ts';
import type { RecordChange } from '../../../src/plan/change.ts';
import { choosePools } from '../../../src/services/ipam.ts';
import { parsePrefix } from '../../../src/values/address.ts';
import { parseMac } from '../../../src/values/mac.ts';
import { parseNetworkCreate } from '../../../src/values/network-grammar.ts';
import { container } from '../records.ts';
import { recordedNamespace } from './kernel-facts.ts';

const requests = [
  { name: 'front', subnets: ['10.1.0.0/24'], gateways: ['10.1.0.1'], auxiliary: ['printer=10.1.0.7'] },
  { name: 'six', subnets: ['10.5.0.0/24', 'fd00::/64'] },
  { name: 'closed', internal: true, subnets: ['10.6.0.0/24'] },
  { name: 'wire', driver: 'macvlan', options: ['parent=eth0'], subnets: ['192.168.7.0/24'] },
].map(parseNetworkCreate);

/** Directories with those records, and engines that plan with them and change nothing. */
export class Facts implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'gangway-fuzz-'));
  readonly #directories = {
    stateDirectory: join(this.directory, 'state'),
    runtimeDirectory: join(this.directory, 'run'),
  };

  constructor() {
    for (const [index, name] of ['web', 'db'].entries()) {
      this.put('containers', container({ id: `${'ab'[index]}`.repeat(64), name }));
    }
    for (const index of requests.keys()) this.put('networks', networkRecord(index));
  }

  /** Writes down a further container or network. */
  put(kind: 'containers' | 'networks', record: ContainerRecord | NetworkRecord): void {
    this.write(assemble(this.#directories).records.put(kind, record));
  }

  write({ path, content }: RecordChange): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content ?? '');
  }

  planner(options: EngineOptions): Engine {
    return engineOf(this.context(options));
  }

  context(options: EngineOptions = {}): Context {
    const context = assemble({ ...options, ...this.#directories, dryRun: true, seed: 'fuzz' });
    return { ...context, host: recordedNamespace };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

function networkRecord(index: number): NetworkRecord {
  const request = requests[index];
  if (request === undefined) throw new RangeError(`there is no network ${index}`);
  const { name, driver, internal } = request;
  const subnets = choosePools(request, [], parsePrefix('fd12:3456:789a::/48'));
  const mac = parseMac(`02:42:00:00:00:0${index + 1}`);
  const network =
    driver.kind === 'bridge'
      ? { ...optionsOf(driver), kind: driver.kind, name, bridge: `br-${name}`, mac, mtuBytes: 1500, subnets, internal }
      : {
          kind: 'macvlan' as const,
          mode: 'bridge' as const,
          name,
          parent: { kind: 'found' as const, link: 'eth0' },
          subnets,
          internal,
        };
  return { id: String(index + 1).repeat(64), createdAt: '2026-01-01T00:00:00.000Z', request, network };
}
