import { createLab } from '../../src/lab/lab.ts';
const lab = await createLab();
const sh = async (s: string) => { const t=performance.now(); const r = await lab.host.exec(['sh','-c',s], {environment:{GANGWAY_SEED:undefined, G:`${process.execPath} /work/main/dist/cli/gangway.js`}}); console.log('$',s, Math.round(performance.now()-t),'ms\n'+(r.stdout+r.stderr).slice(0,1500)+'->'+r.exitCode); };
await sh('time $G run -d --name one sleep 100');
await sh('time $G run -d --name aa -p 10000-10199:10000-10199 sleep 100');
await sh('time $G rm -f aa');
await sh('time node --cpu-prof --cpu-prof-dir=/work/main/node_modules/.cache/prof dist/cli/gangway.js run -d --name aa -p 10000-10199:10000-10199 sleep 100');
await lab.down();
