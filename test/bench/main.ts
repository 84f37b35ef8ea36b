import { criteriaRow } from './rows/criteria.ts';
import { groupsRow } from './rows/groups.ts';
import { int8Row } from './rows/int8.ts';
import { largeRow } from './rows/large.ts';
import { latencyRow } from './rows/latency.ts';
import { recoveryRow } from './rows/recovery.ts';
import { startupRow } from './rows/startup.ts';
import { vggRow } from './rows/vgg.ts';
import { weightsRow } from './rows/weights.ts';
import { type Line, renderTable } from './table.ts';
import { inWorkshop, type Workshop } from './workshop.ts';

/** Every row by the name that selects it: its title, and what measures it. */
const rows: Readonly<Record<string, readonly [string, (workshop: Workshop) => Promise<Line[]>]>> = {
  vgg: ['VGG-16, read, prune and write', vggRow],
  weights: ['Making weights of VGG-16 zero', weightsRow],
  startup: ['Start-up', startupRow],
  latency: ['Speed-up against MAC ratio', latencyRow],
  groups: ['Finding groups', groupsRow],
  criteria: ['Ranking 26 million weights', criteriaRow],
  int8: ['Running on 8-bit integers', int8Row],
  large: ['Weights that stay in files', largeRow],
  recovery: ['ResNet-18, ranked, cut and recovered on 256 images', recoveryRow],
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => rows[name] === undefined);
if (unknown.length > 0) {
  console.error(`No row "${unknown.join('", "')}"; there are: ${Object.keys(rows).join(', ')}.`);
  process.exitCode = 2;
} else {
  await inWorkshop(async (workshop) => {
    for (const [name, [title, measure]] of Object.entries(rows)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      const start = performance.now();
      console.log(`${renderTable(title, await measure(workshop))}\n`);
      console.error(`(${name}: ${((performance.now() - start) / 1000).toFixed(0)} s)`);
    }
  });
}
