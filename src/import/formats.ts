/** The formats that are imported. Adding one is a file here and a line in this list. */

import { importCilium } from './cilium.ts';
import { importHardenRunner } from './harden-runner.ts';
import type { Importer } from './imported.ts';
import { importAdguard, importHosts, importPihole } from './list.ts';
import { importRoute53 } from './route53.ts';
import { importRpz } from './rpz.ts';
import { importSmokescreen } from './smokescreen.ts';

export const IMPORTERS: Readonly<Record<string, Importer>> = {
  smokescreen: importSmokescreen,
  'harden-runner': importHardenRunner,
  route53: importRoute53,
  adguard: importAdguard,
  pihole: importPihole,
  hosts: importHosts,
  rpz: importRpz,
  cilium: importCilium,
};
