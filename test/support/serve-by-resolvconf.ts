/** The resolver with a resolv.conf of the test's choice: what `servers: system` reads. */

import { serve } from '../../src/server/serve.ts';

const [configPath = '', resolvConf = ''] = process.argv.slice(2);
await serve({ configPath, load: { resolvConf }, logLevel: 'info' });
