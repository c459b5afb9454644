/** What has to be made for networks to stand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Context } from '../../src/engine/context.ts';
import { planPrerequisites } from '../../src/engine/sandbox/prerequisites.ts';
import type { NetworkRecord } from '../../src/engine/store/record.ts';
import { Records } from '../../src/engine/store/record-store.ts';
import type { KernelHandles } from '../../src/plan/kernel-handles.ts';
import { parsePrefix } from '../../src/values/address.ts';

/** As they stand in the records of another boot: both know how the parent is made. */
const lanes = ['10.80.0.0/24', '10.81.0.0/24'].map(
  (subnet, index): NetworkRecord => ({
    id: String(index).repeat(64),
    createdAt: '2026-01-01T00:00:00.000Z',
    network: {
      kind: 'macvlan',
      name: `lane${index}`,
      parent: { kind: 'vlan', link: 'eth0.10', trunk: 'eth0', id: 10 },
      mode: 'bridge',
      subnets: [{ subnet: parsePrefix(subnet), auxiliary: {} }],
      internal: false,
    },
    made: { boot: 'another', steps: [] },
  }),
);

test('a parent of two networks is made once, by the first of them', (t) => {
  const place = mkdtempSync(join(tmpdir(), 'gangway-ground-'));
  t.teardown(() => rmSync(place, { recursive: true }));
  const records = new Records({ state: place, runtime: place }, () => {});
  const context = { records, kinds: { ruleset: { holds: () => false } }, firewall: 'nftables' } as unknown as Context;
  const kernel = { findLink: () => undefined } as unknown as KernelHandles;
  const ground = planPrerequisites(context, kernel, { networks: lanes });
  t.deepEqual(
    ground.steps.filter(({ kind }) => kind === 'vlan' || kind === 'up').map(({ kind }) => kind),
    ['vlan', 'up'],
  );
  const made = ground.records.map(({ content }) => content?.match(/"kind":"vlan","in"/g)?.length ?? 0);
  t.deepEqual(made.slice(0, 2), [1, 0], 'and it goes with the first of them');
});
