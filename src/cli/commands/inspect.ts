/** `gangway inspect`: a container, or else a network, of that name. */
import type { Engine } from '../../engine/engine.ts';
import { GangwayError } from '../../values/errors.ts';
import type { Execute } from '../command.ts';
import { inspectEach, networkObject } from '../inspect-output.ts';
import type { inspectOptions } from '../options.ts';
import { containerTraffic, type TrafficReader, trafficReader } from '../traffic-columns.ts';

export const execute: Execute<typeof inspectOptions> = async ({ options, words }, context) => {
  const engine = await context.engine();
  const traffic = trafficReader(engine, options.format, context);
  return await inspectEach(words, options.format, context, (name) => find(engine, name, traffic));
};

async function find(engine: Engine, name: string, traffic: TrafficReader): Promise<object> {
  try {
    const found = await engine.inspect(name);
    const counted = await traffic();
    return { ...found, ...(counted === undefined ? {} : { Traffic: containerTraffic(counted, found.Id) }) };
  } catch (error) {
    if (!(error instanceof GangwayError && error.code === 'container-not-found')) throw error;
  }
  try {
    return networkObject(await engine.inspectNetwork(name), await traffic());
  } catch (error) {
    if (!(error instanceof GangwayError && error.code === 'network-not-found')) throw error;
    throw new GangwayError('container-not-found', `no container or network ${name || '""'}`, {
      hint: '`gangway ps -a` and `gangway network ls` list them',
    });
  }
}
