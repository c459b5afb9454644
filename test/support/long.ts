/**
 * The long form of the tests, `npm run test:long`: every variant of what the short form shows by a few of them.
 *
 * The short form is what each change has to pass, in minutes. A variant belongs into the long form alone where another
 * one that is as likely to break goes the same way through our code.
 */
export const isLong = process.env.GANGWAY_TEST_LONG === '1';

/** In the long form all of them, in the short one every `stride`th, from the first. */
export function some<T>(all: readonly T[], stride: number): readonly T[] {
  return isLong ? all : all.filter((_, index) => index % stride === 0);
}
