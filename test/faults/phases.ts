/** Where the time goes: seconds of each part of the work. */

export class Phases {
  readonly #ms = new Map<string, number>();

  /** Passes on what `work` resolves to. */
  async time<T>(name: string, work: Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work;
    } finally {
      this.#ms.set(name, (this.#ms.get(name) ?? 0) + performance.now() - begun);
    }
  }

  /** Seconds of each, over `rounds`. */
  means(rounds: number): Record<string, number> {
    const seconds = (ms: number): number => Number((ms / 1000 / rounds).toFixed(2));
    return Object.fromEntries([...this.#ms].map(([name, ms]) => [name, seconds(ms)]));
  }
}
