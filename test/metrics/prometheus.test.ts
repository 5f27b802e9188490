/**
 * A running instance under load and a real Prometheus: it takes the page in both forms, the alert
 * rules hold in a table of cases, and every query of the dashboard returns data.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setInterval } from 'node:timers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClient } from '../support/client.ts';
import { freePort, lacks, makeFolder, Program, run, until } from '../support/processes.ts';
import { Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const MONITORING = join(import.meta.dirname, '../../examples/monitoring');
const RULES = join(MONITORING, 'dnsvalve-rules.yml');
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0';

interface Target {
  readonly expr: string;
}
interface Panel {
  readonly title: string;
  readonly targets?: readonly Target[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly Target[] };
}

const dashboard = JSON.parse(
  readFileSync(join(MONITORING, 'grafana-dashboard.json'), 'utf8'),
) as Dashboard;
const queries = dashboard.panels.flatMap(({ title, targets }) =>
  (targets ?? []).map(({ expr }, index): [string, string] => [`${title} ${index + 1}`, expr]),
);

let upstream: FakeServer;
let valve: Valve;
let metricsPort: number;
let load: NodeJS.Timeout;

function configuration(port: number): string {
  return `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
metrics: { listen: "127.0.0.1:${port}" }
feeds: { bad: { source: [listed.example], category: malware } }
alerts: [{ to: "file:alerts.jsonl" }]
workloads:
  api:
    sources: [127.0.0.0/8]
    allow: [.example.com, { name: "*.spoken.example", budget: 4kB/h }]
`;
}

/** One of each way: denied, by a feed, forwarded, from the store, charged to a budget, by TCP. */
async function startLoad(): Promise<NodeJS.Timeout> {
  const udp = await openClient('udp', valve, '127.0.0.2');
  const tcp = await openClient('tcp', valve, '127.0.0.2');
  let nth = 0;
  return setInterval(() => {
    nth++;
    const names = ['x.test', 'listed.example', 'www.example.com', `n${nth}.example.com`];
    for (const name of [...names, `n${nth % 20}.spoken.example`]) void udp.ask({ name });
    void tcp.ask({ name: 'www.example.com', type: 'AAAA' });
  }, 50);
}

function get(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${metricsPort}${path}`, init);
}

beforeAll(async () => {
  upstream = await FakeServer.start((asked) =>
    asked.reply(answerTo(asked, { answers: [addressRecord(1)] })),
  );
  metricsPort = await freePort();
  valve = await Valve.start({ workers: 2, config: configuration(metricsPort) });
  load = await startLoad();
});

afterAll(async () => {
  clearInterval(load);
  await valve?.stop();
  upstream?.stop();
});

describe('over HTTP', () => {
  const rows: [string, string, RequestInit, number, string][] = [
    ['/health of a running one', '/health', {}, 200, 'ok\n'],
    ['/ready', '/ready', {}, 200, 'ok\n'],
    ['HEAD, without a body', '/health', { method: 'HEAD' }, 200, ''],
    ['another path', '/', {}, 404, 'one of /metrics, /health, /ready\n'],
    ['another method', '/metrics', { method: 'POST' }, 405, 'GET and HEAD only\n'],
  ];
  it.each(rows)('%s', async (_rule, path, init, status, text) => {
    const response = await get(path, init);
    expect([response.status, await response.text()]).toEqual([status, text]);
  });

  it('the page has the type of its form', async () => {
    const types = [undefined, OPENMETRICS].map(async (accept) => {
      const response = await get('/metrics', { headers: accept === undefined ? {} : { accept } });
      return response.headers.get('content-type');
    });
    expect(await Promise.all(types)).toEqual([
      'text/plain; version=0.0.4; charset=utf-8',
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    ]);
  });

  it('no name that was asked and no address of a client is on the page', async () => {
    await until('queries are counted', async () =>
      /queries_total\{workload="api",verdict="cached"\} [1-9]/.test(
        await (await get('/metrics')).text(),
      )
        ? true
        : null,
    );
    const page = await (await get('/metrics')).text();
    expect(page).not.toMatch(/x\.test|www\.example|listed\.example|127\.0\.0\.2/);
  });

  it('docs/metrics.md has every metric, its type and what it means', async () => {
    const page = await (await get('/metrics')).text();
    const told = [...page.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)];
    const docs = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
    const rows = [...docs.matchAll(/^\| `(\S+)` \| (\w+) \| [^|]* \| (.*) \|$/gm)];
    expect(rows.map(([, name, type, help]) => `${name} ${type} ${help}`)).toEqual(
      told.map(([, name, help, type]) => `${name} ${type} ${help}`),
    );
  });

  it('the dashboard or a rule shows every metric', () => {
    const docs = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
    const names = [...docs.matchAll(/^\| `(\S+)` \|/gm)].map(([, name]) => name ?? '');
    const shown = JSON.stringify(dashboard) + readFileSync(RULES, 'utf8');
    expect(names.filter((name) => !new RegExp(`\\b${name}(_bucket|_sum)?\\b`).test(shown))).toEqual(
      [],
    );
  });

  it('a reload moves the listener, and one to a port that is taken costs only the metrics', async () => {
    const before = metricsPort;
    metricsPort = await freePort();
    valve.configure(configuration(metricsPort));
    expect((await valve.command('reload', ...valve.control)).status).toBe(0);
    expect((await get('/ready')).status).toBe(200);
    await expect(fetch(`http://127.0.0.1:${before}/ready`)).rejects.toThrow();
    valve.configure(configuration(upstream.port));
    expect((await valve.command('reload', ...valve.control)).status).toBe(0);
    await valve.program.says('the metrics cannot be served');
    valve.configure(configuration(metricsPort));
    expect((await valve.command('reload', ...valve.control)).status).toBe(0);
    expect((await get('/ready')).status).toBe(200);
  });
});

describe.skipIf(lacks('prometheus', 'promtool'))('with Prometheus', () => {
  let prometheus: Program;
  let port: number;

  async function ask(path: string): Promise<{ data: unknown }> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return (await response.json()) as { data: unknown };
  }

  /** Values of an instant query; a query that Prometheus does not understand throws. */
  async function values(expr: string): Promise<number[]> {
    const query = expr
      .replaceAll('$__rate_interval', '5s')
      .replaceAll(/\$(instance|workload)/g, '.*');
    const { data } = await ask(`/api/v1/query?query=${encodeURIComponent(query)}`);
    const { result } = data as { result: { value: [number, string] }[] };
    return result.map(({ value }) => Number(value[1]));
  }

  beforeAll(async () => {
    const folder = makeFolder();
    port = await freePort();
    const own = readFileSync(join(MONITORING, 'prometheus.yml'), 'utf8')
      .replaceAll('15s', '1s')
      .replace('dnsvalve-rules.yml', RULES)
      .replace('127.0.0.1:9153', `127.0.0.1:${metricsPort}`);
    writeFileSync(join(folder, 'prometheus.yml'), own);
    prometheus = new Program('prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    await prometheus.says('Server is ready to receive web requests');
  });

  afterAll(() => prometheus?.stop());

  it('promtool finds nothing to say about the page', async () => {
    const path = join(makeFolder(), 'page');
    writeFileSync(path, await (await get('/metrics')).text());
    expect(await run('sh', ['-c', `promtool check metrics < ${path}`])).toEqual({
      status: 0,
      said: '',
    });
  });

  it('it scrapes OpenMetrics without an error', async () => {
    await until('a scrape', async () => {
      const { data } = await ask('/api/v1/targets');
      const { activeTargets } = data as {
        activeTargets: { health: string; lastError: string }[];
      };
      if (activeTargets[0]?.health === 'down') throw new Error(activeTargets[0].lastError);
      return activeTargets[0]?.health === 'up' ? true : null;
    });
  });

  it('it loads every alert rule, and none fails', async () => {
    const rules = await until('all rules are evaluated', async () => {
      const { data } = await ask('/api/v1/rules');
      const { groups } = data as { groups: { rules: { name: string; health: string }[] }[] };
      const all = groups.flatMap((group) => group.rules);
      return all.some(({ health }) => health === 'unknown') ? null : all;
    });
    expect(rules.length).toBe(25);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });

  it('the rules tell what they should, and are silent where they should', async () => {
    const file = join(import.meta.dirname, 'rules.test.yml');
    const { status, said } = await run('promtool', ['test', 'rules', file]);
    expect(`${status} ${said}`).toMatch(/^0 [\s\S]*SUCCESS/);
  });

  it('every metric that a rule names is on the page', async () => {
    const page = await (await get('/metrics')).text();
    const named = new Set(readFileSync(RULES, 'utf8').match(/\bdnsvalve_[a-z_]+/g));
    // Only of feeds with a URL.
    named.delete('dnsvalve_feed_refresh_seconds');
    expect(named.size).toBeGreaterThan(15);
    expect([...named].filter((name) => !new RegExp(`^${name}[ {]`, 'm').test(page))).toEqual([]);
  });

  it.each(queries)('the dashboard has data: %s', async (_title, expr) => {
    const found = await until(expr, async () => {
      const finite = (await values(expr)).filter(Number.isFinite);
      return finite.length > 0 ? finite : null;
    });
    expect(found.length).toBeGreaterThan(0);
  });

  it('the dashboard has all that is counted in it, and its annotation is understood', async () => {
    expect(queries.length).toBeGreaterThan(45);
    expect(await values(dashboard.annotations.list[0]?.expr ?? '')).toEqual(expect.any(Array));
  });
});
