import test from 'ava';
import { type Context, letIn } from '../../src/engine/context.ts';
import { GangwayError } from '../../src/values/errors.ts';

const failing = (error: Error) => ({ sockets: { serve: async () => Promise.reject(error) } }) as unknown as Context;

test('a switchboard that dies behind a change takes nothing back of it', async (t) => {
  await letIn(failing(new GangwayError('switchboard-unreachable', 'the switchboard went away')), 'c1');
  const otherwise = new GangwayError('container-not-found', 'no ports are reserved for container c1');
  t.is(await t.throwsAsync(letIn(failing(otherwise), 'c1')), otherwise);
});
