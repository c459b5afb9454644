/**
 * `gangway-net/testing`: private machines with real networks for your own tests, in a tenth of a second each.
 *
 *     import { createLab } from 'gangway-net/testing';
 *
 *     await using lab = await createLab({ outside: ['world', 'attacker'] });
 *     const { stdout } = await lab.place('attacker').exec(['ip', '-j', 'neighbour']);
 */
export type { Background, Result } from './background.ts';
export { createLab, Lab, type LabOptions } from './lab.ts';
export { type ExecOptions, Place, type ServeOptions, type SpawnOptions } from './namespace-runner.ts';
export { difference, type Snapshot } from './snapshot.ts';
export type { Topology } from './topology.ts';
export { type WaitOptions, waitFor } from './wait.ts';
