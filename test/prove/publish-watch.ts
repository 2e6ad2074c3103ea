/** Most of what a page sends is neither, and to read it costs as much as to serve it. */
const OF_INTEREST = /"(?:hello|publish)"/

/** Holds the publishes that a page sends to client rule 5: one id keeps its `n`, and a repeat says how old it is. */
export function createPublishWatch(broken: (rule: string) => void): (text: string) => void {
  const numbers = new Map<string, number>()
  let newest = 0
  let session: string | undefined
  return (text) => {
    if (!OF_INTEREST.test(text)) return
    const { type, session: of, id, n, age } = JSON.parse(text) as Frame
    if (type === 'hello' && of !== session) {
      session = of
      newest = 0
    }
    if (type !== 'publish') return
    const before = numbers.get(id)
    numbers.set(id, n)
    if (before === undefined) {
      if (n <= newest) broken(`${id} has the number ${n} after ${newest}`)
      newest = Math.max(newest, n)
      return
    }
    if (before !== n) broken(`${id} had the number ${before} and has ${n} now`)
    if (age === undefined) broken(`${id} is sent again and does not say how old it is`)
  }
}

interface Frame {
  readonly type: string
  readonly session?: string
  readonly id: string
  readonly n: number
  readonly age?: number
}
