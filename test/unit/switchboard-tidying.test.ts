/** When memory goes back. That it does is seen from outside: test/kernel/many-ports.test.ts. */
import { EventEmitter, once } from 'node:events';
import test from 'ava';
import { Tidying } from '../../src/engine/switchboard/memory-trim.ts';

test('memory goes back after the first socket, and whenever a thousand have come or gone', async (t) => {
  const others = new (class extends EventEmitter {
    times = 0;
    trimMemory(): void {
      this.emit('tidied', ++this.times);
    }
  })();
  const tidying = new Tidying(others, 1);
  const tidied = async () => ((await once(others, 'tidied')) as [number])[0];
  const [first] = [tidied(), tidying.changed(1)];
  // What is unref'd keeps no test from ending.
  const awake = setInterval(() => {}, 1000);
  t.is(await first, 1);
  tidying.changed(1000);
  const [second] = [tidied(), tidying.changed(1)];
  t.is(await second, 2, 'a thousand and one, at once');
  for (let socket = 0; socket < 1500; socket++) tidying.changed(1);
  t.is(await tidied(), 3, 'those that come meanwhile are of the same time');
  clearInterval(awake);
});
