import { prune } from '../../../src/index.ts';

// Prunes a model and prints how much faster it runs and how many times fewer MACs it takes.
const [from = '', structured = '50%', align = 'auto'] = process.argv.slice(2);
const { latency, size } = await prune(from, { structured, align, dryRun: true });
const speedUp = latency?.after.speedUp;
if (latency === null || speedUp === undefined) throw new Error('There is no latency in the report');
console.log(
  JSON.stringify({
    speedUp: speedUp.median,
    p25: speedUp.p25,
    p75: speedUp.p75,
    beforeMs: latency.before.median,
    macRatio: size.before.macs / size.after.macs,
  }),
);
