import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { licenceList, withLicences } from './licence-list.ts';
import { ROOT, textOf } from './project.ts';

/** Lists the licences of all dependencies in the README: `npm run licences`. */
writeFileSync(join(ROOT, 'README.md'), withLicences(textOf('README.md'), licenceList()));
