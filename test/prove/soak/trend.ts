/** A number as it was at a moment, s. */
export interface Reading {
  readonly at: number
  readonly value: number
}

/** By least squares, in what the values are an hour; null where there are too few to say. */
export function slopeAnHour(readings: readonly Reading[]): number | null {
  if (readings.length < 3) return null
  const mean = (of: (one: Reading) => number) => readings.reduce((sum, one) => sum + of(one), 0) / readings.length
  const [at, value] = [mean((one) => one.at), mean((one) => one.value)]
  const over = readings.reduce((sum, one) => sum + (one.at - at) ** 2, 0)
  return (readings.reduce((sum, one) => sum + (one.at - at) * (one.value - value), 0) / over) * 3_600
}

/** What is left when the beginning is: code is compiled and buffers reach their size in it. */
export const settledPart = <One>(all: readonly One[]): readonly One[] => all.slice(Math.floor(all.length / 4))

/** The most in each half: of what does not grow the second is no greater, but by what comes and goes. */
export function halves(values: readonly number[]): { readonly first: number; readonly second: number } {
  const middle = Math.ceil(values.length / 2)
  return { first: Math.max(0, ...values.slice(0, middle)), second: Math.max(0, ...values.slice(middle)) }
}
