/**
 * `gangway gc`: takes away what nobody owns.
 *
 * Who is killed leaves little behind: the journal brings a change to its end, and every object stands in a record. What
 * remains to be found is a container whose monitor was killed with it, a machine that was switched off, a record that a
 * power cut tore, and things whose record somebody deleted by hand. And the default bridge with its ruleset, which are
 * kept for the next container, but only for as long as nobody asks for the machine as it was.
 *
 * Only what carries our name is looked at: pins `gangway-…`, our own directories, our own table.
 */
import { readdirSync } from 'node:fs';
import { pinDirectory } from '../kernel/namespace.ts';
import type { RecordChange } from '../plan/change.ts';
import type { Step } from '../plan/step.ts';
import type { World } from '../plan/world.ts';
import { ignoring } from '../values/errors.ts';
import { type Context, carry, exclusively } from './context.ts';
import { endLife, isAlive } from './end.ts';
import type { Removed } from './engine.ts';
import { findDefault } from './networks.ts';

/** @returns what was taken away; in a dry run, what would be */
export async function collectGarbage(context: Context): Promise<readonly Removed[]> {
  return await exclusively(context, async (world) => [
    ...(await deadContainers(context, world)),
    ...(await tornRecords(context, world)),
    ...(await orphans(context, world)),
    ...(await idleBridge(context, world)),
  ]);
}

async function deadContainers(context: Context, world: World): Promise<readonly Removed[]> {
  const dead = context.records.containers().filter(({ life }) => life !== undefined && !isAlive(life));
  for (const record of dead) await endLife(context, world, record, record.request.removeOnExit ? 'remove' : 'keep');
  return dead.map(({ name }) => ({
    what: `what container ${name} left`,
    why: 'it has ended, and nobody was there to clean up',
  }));
}

async function tornRecords(context: Context, world: World): Promise<readonly Removed[]> {
  const paths = context.records.torn();
  const records: readonly RecordChange[] = paths.map((path) => ({ path, content: null }));
  if (paths.length > 0)
    await carry(context, world, {
      plan: { subject: 'remove damaged records', direction: 'unmake', steps: [] },
      records,
    });
  return paths.map((path) => ({ what: `record ${path}`, why: 'it is damaged and can’t be read' }));
}

/** Things that carry our name and stand in no record. */
async function orphans(context: Context, world: World): Promise<readonly Removed[]> {
  const { records } = context;
  const containers = records.containers();
  const ids = new Set(containers.map(({ id }) => id));
  const namespaces = new Set(containers.flatMap(({ life }) => life?.namespace ?? []));
  const why = 'no record knows it';
  const steps: readonly Step[] = [
    ...names(`${records.directories.state}/containers`, /^[0-9a-f]{64}$/)
      .filter((name) => !ids.has(name))
      .map(
        (name): Step => ({
          kind: 'directory',
          path: `${records.directories.state}/containers/${name}`,
          mode: 0o711,
          why,
        }),
      ),
    ...names(`${records.directories.runtime}/containers`, /^[0-9a-f]{64}$/)
      .filter((name) => !ids.has(name))
      .map(
        (name): Step => ({
          kind: 'directory',
          path: `${records.directories.runtime}/containers/${name}`,
          mode: 0o711,
          why,
        }),
      ),
    ...names(pinDirectory, /^gangway-[0-9a-f]{12}$/)
      .filter((name) => !namespaces.has(name))
      .map((name): Step => ({ kind: 'namespace', name, why })),
  ];
  if (steps.length > 0)
    await carry(context, world, {
      plan: { subject: 'remove what no record knows', direction: 'unmake', steps },
      records: [],
    });
  return steps.map((step) => ({
    what: step.kind === 'namespace' ? `network namespace ${step.name}` : `directory ${'path' in step ? step.path : ''}`,
    why,
  }));
}

function names(directory: string, pattern: RegExp): readonly string[] {
  return (ignoring('ENOENT', () => readdirSync(directory)) ?? []).filter((name) => pattern.test(name));
}

/** The default bridge and the ruleset, once no container stands on them. */
async function idleBridge(context: Context, world: World): Promise<readonly Removed[]> {
  const { records } = context;
  const network = findDefault(context);
  const machine = records.machine();
  const used = records.containers().some(({ life }) => life?.endpoint !== undefined);
  if (used || (network === undefined && machine.ruleset.length === 0)) return [];
  const steps = [...machine.ruleset, ...machine.forwarding, ...(network?.made?.steps ?? [])];
  await carry(context, world, {
    plan: { subject: 'remove the idle bridge and the ruleset', direction: 'unmake', steps },
    records: [
      ...(network === undefined ? [] : [records.drop('networks', network.id)]),
      records.putMachine({ ...machine, ruleset: [], forwarding: [] }),
    ],
  });
  return [
    ...(network === undefined
      ? []
      : [{ what: `network bridge (${network.network.bridge})`, why: 'no container is plugged in' }]),
    ...(machine.ruleset.length === 0 ? [] : [{ what: 'nftables table inet gangway', why: 'no network needs it' }]),
  ];
}
