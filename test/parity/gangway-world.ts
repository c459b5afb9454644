/** Runs gangway in a lab. */
import type { Result } from '../../src/lab/background.ts';
import { program } from '../support/gangway.ts';
import type { Scenario } from './scenario.ts';
import { ground, imageDirectory, World } from './world.ts';

export class GangwayWorld extends World {
  static async start(scenario: Scenario): Promise<GangwayWorld> {
    return new GangwayWorld(await ground('gangway', scenario));
  }

  /** Replaces docker's image by an option with a directory. */
  run(words: readonly string[]): Promise<Result> {
    const [verb = '', ...rest] = words;
    const argv = words.includes('IMAGE')
      ? [verb, `--rootfs=${imageDirectory}`, ...rest.filter((word) => word !== 'IMAGE')]
      : words;
    return this.lab.host.exec([...program, ...argv], { timeoutMilliseconds: 120_000 });
  }
}
