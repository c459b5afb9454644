/**
 * Lets a few bodies run at the same time, and the others wait for their turn.
 *
 * ava begins all tests of a file together: thirty tests with two machines each would have every program among them wait
 * longer than it is given, on a machine that is slow.
 */
export function atOnce(limit: number): <T>(body: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (body) => {
    if (running === limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await body();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
