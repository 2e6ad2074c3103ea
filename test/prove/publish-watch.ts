/** Most frames that a page sends are neither, and reading a frame costs as much as serving it. */
const OF_INTEREST = /"(?:hello|publish)"/

/** Checks the publishes of a page against client rule 5: an id keeps its `n`, and a repeat has its age. */
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
