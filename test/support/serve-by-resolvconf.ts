/** The resolver with a resolv.conf of the test's choice: what `servers: system` reads. */

import { firstBuild } from '../../src/server/build.ts';
import { serve } from '../../src/server/serve.ts';

const [configPath = '', resolvConf = ''] = process.argv.slice(2);
await serve({ first: firstBuild(configPath, { resolvConf }), logLevel: 'info' });
