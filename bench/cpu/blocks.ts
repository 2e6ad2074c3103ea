export interface Blocks {
  readonly messages: number
  /** Blocks at the beginning that do not count, because V8 interprets code before it compiles it. */
  readonly warmUp: number
  readonly blocks: number
}

export interface Compared {
  /**
   * The client's processor time for a message, divided by that of reading the data of the event, parsing it and calling
   * back.
   */
  readonly ratio: number
  /** Both processor times, in nanoseconds. */
  readonly clientNs: number
  readonly parseNs: number
}

export interface Contest {
  prepare(messages: number): Promise<void>
  parse(): Promise<void>
  client(): Promise<void>
  /** Processor time so far, ms. */
  cpu(): Promise<number>
}

/** Measures both in turns in one process, a block each, so that neither has an advantage. */
export async function compareBlocks(
  { messages, warmUp, blocks }: Blocks,
  { prepare, parse, client, cpu }: Contest,
): Promise<Compared> {
  const spent = { parse: 0, client: 0 }
  const timed = async (which: keyof typeof spent, run: () => Promise<void>) => {
    const before = await cpu()
    await run()
    spent[which] += (await cpu()) - before
  }
  for (let block = -warmUp; block < blocks; block++) {
    if (block === 0) spent.parse = spent.client = 0
    await prepare(messages)
    // The second one finds the texts in the processor's cache, so they take turns in going first.
    if (block % 2 === 0) await timed('parse', parse)
    await timed('client', client)
    if (block % 2 !== 0) await timed('parse', parse)
  }
  const ns = (ms: number) => (ms * 1e6) / (blocks * messages)
  return { ratio: spent.client / spent.parse, clientNs: ns(spent.client), parseNs: ns(spent.parse) }
}
