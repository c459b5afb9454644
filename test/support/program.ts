import { fileURLToPath } from 'node:url';

const own = import.meta.url;
/** As these tests are: TypeScript, or compiled by scripts/build. */
const extension = own.slice(own.lastIndexOf('.'));
const flags = extension === '.ts' ? [`--import=${fileURLToPath(new URL('register.js', own))}`] : [];

/** @param name of a file beside this one @returns the command line that runs it in a process of its own, in any directory */
export function testProgram(name: string): readonly [string, ...string[]] {
  return [process.execPath, '--no-warnings', ...flags, fileURLToPath(new URL(`${name}${extension}`, own))];
}
