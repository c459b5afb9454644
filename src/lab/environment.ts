/**
 * The environment of programs in a lab: ours, without the folders that npm puts in front of PATH.
 *
 * Below `npm test` and `npx`, PATH begins with node_modules/.bin, where packages install programs by any name they
 * like; one of them brings its own `nft`, which is not the firewall's.
 */
export function programEnvironment(
  additions: Readonly<Record<string, string | undefined>> = {},
): Record<string, string | undefined> {
  const path = (process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin')
    .split(':')
    .filter((folder) => !folder.endsWith('/node_modules/.bin') && !folder.endsWith('/node-gyp-bin'));
  return { ...process.env, PATH: path.join(':'), ...additions };
}
