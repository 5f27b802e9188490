/**
 * Two hosts with a wire between them, as two network namespaces: `near` is where a tool's client
 * runs, `far` where its server and the valve do. Each has a loopback, ports and tun devices of its
 * own, so that a client may insist on port 53, and a packet between the ends of a tunnel has no
 * other way than through it. Root takes them as such; others in a user namespace, where the system
 * lets them.
 */

import { lacks, Program, run, until } from '../processes.ts';

export const NEAR_ADDRESS = '10.99.0.2';
export const FAR_ADDRESS = '10.99.0.1';

/** Longer than any test; whoever is killed before it can clean up leaves nothing for ever. */
const HOLD_SECONDS = '900';
const IS_ROOT = process.getuid?.() === 0;
const UNSHARE = IS_ROOT ? ['unshare', '-n'] : ['unshare', '-rn'];
const NAMESPACES = IS_ROOT ? ['-n'] : ['-U', '-n', '--preserve-credentials'];

/** Why this machine cannot have them, or cannot have tun devices there; null where it can. */
export interface Lacking {
  readonly hosts: string | null;
  readonly devices: string | null;
}

/** Tries it, and says what is lacking. */
export async function whatIsLacking(): Promise<Lacking> {
  const lacking = lacks('unshare', 'nsenter', 'ip') ? NO_PROGRAMS : await tried();
  const reason = lacking.hosts ?? lacking.devices;
  if (reason !== null) process.stderr.write(`skipped, no network of its own: ${reason}\n`);
  return lacking;
}

const NO_PROGRAMS: Lacking = { hosts: 'no unshare, nsenter or ip', devices: 'no ip' };

async function tried(): Promise<Lacking> {
  const hosts = await Hosts.open().catch((error: unknown) => String(error));
  if (typeof hosts === 'string') return { hosts, devices: hosts };
  const devices = await hosts.ip('far', ['tuntap', 'add', 'dev', 'probe', 'mode', 'tun']).then(
    () => null,
    (error: unknown) => String(error),
  );
  await hosts.close();
  return { hosts: null, devices };
}

export class Hosts {
  readonly #far: Program;
  readonly #near: Program;

  private constructor(far: Program, near: Program) {
    this.#far = far;
    this.#near = near;
  }

  /** @throws Error with what the system said */
  static async open(): Promise<Hosts> {
    const far = await hold(UNSHARE);
    const near = await hold([...enter(far), 'unshare', '-n']);
    const hosts = new Hosts(far, near);
    const pid = String(near.child.pid);
    const wire = ['link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'wire', 'netns', pid];
    await hosts.ip('far', wire);
    for (const [end, address] of [
      ['far', FAR_ADDRESS],
      ['near', NEAR_ADDRESS],
    ] as const) {
      await hosts.ip(end, ['address', 'add', `${address}/24`, 'dev', 'wire']);
      await hosts.ip(end, ['link', 'set', 'wire', 'up']);
    }
    return hosts;
  }

  /** What a command there begins with. */
  at(end: 'near' | 'far'): readonly string[] {
    return enter(end === 'near' ? this.#near : this.#far);
  }

  start(end: 'near' | 'far', command: readonly string[]): Program {
    const [program = '', ...args] = [...this.at(end), ...command];
    return new Program(program, args);
  }

  /** Runs `ip` there. @returns what it said @throws Error when it fails */
  async ip(end: 'near' | 'far', args: readonly string[]): Promise<string> {
    return succeed([...this.at(end), 'ip', ...args]);
  }

  async close(): Promise<void> {
    await this.#near.stop();
    await this.#far.stop();
  }
}

/** A process that does nothing but hold a namespace, with its loopback up. */
async function hold(through: readonly string[]): Promise<Program> {
  const script = `ip link set lo up && echo up && exec sleep ${HOLD_SECONDS}`;
  const [program = '', ...args] = [...through, 'sh', '-c', script];
  const holder = new Program(program, args);
  await until('the namespace', () => {
    if (holder.said.includes('up\n')) return true;
    if (!holder.isRunning) throw new Error(holder.said.trim());
    return null;
  });
  return holder;
}

function enter(holder: Program): readonly string[] {
  return ['nsenter', '-t', String(holder.child.pid), ...NAMESPACES];
}

async function succeed(command: readonly string[]): Promise<string> {
  const [program = '', ...args] = command;
  const { status, said } = await run(program, args);
  if (status !== 0) throw new Error(`${command.join(' ')}: ${said}`);
  return said;
}
