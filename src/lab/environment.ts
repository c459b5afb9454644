/**
 * The environment of programs in a lab: ours, with the folders that npm puts in front of PATH at its end.
 *
 * Below `npm test` and `npx`, PATH begins with node_modules/.bin, where packages install programs by any name they
 * like; one of them brings its own `nft`, which is not the firewall's.
 */
export function programEnvironment(
  additions: Readonly<Record<string, string | undefined>> = {},
): Record<string, string | undefined> {
  const folders = (process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(':');
  const ofNpm = (folder: string) => folder.includes('/node_modules/');
  const path = [...folders.filter((folder) => !ofNpm(folder)), ...folders.filter(ofNpm)].join(':');
  return { ...process.env, PATH: path, ...additions };
}
