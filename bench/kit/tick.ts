/** A message of a feed, about 120 bytes as JSON. */
export interface Tick {
  readonly n: number
  readonly at: number
  readonly topic: string
  readonly symbol: string
  readonly price: number
  readonly note: string
}

export function tick(n: number): Tick {
  return {
    n,
    at: 1_790_000_000_000 + n,
    topic: 'ticks',
    symbol: 'EURUSD',
    price: 1 + (n % 10_000) / 10_000,
    note: 'as long as usual',
  }
}

/** Data that an application publishes: 643 bytes as JSON, with many small fields. */
export function order(n: number) {
  const line = (at: number) => ({
    sku: `A-${1_000 + at}`,
    name: 'a thing with a name',
    amount: at + 1,
    price: 12.5 + at,
    currency: 'EUR',
  })
  const rest = {
    id: String(n).padStart(8, '0'),
    customer: 'ada@example.test',
    lines: Array.from({ length: 6 }, (_, at) => line(at)),
  }
  const note = 'x'.repeat(ORDER_BYTES - JSON.stringify({ ...rest, note: '' }).length)
  return { ...rest, note }
}

export const ORDER_BYTES = 643
