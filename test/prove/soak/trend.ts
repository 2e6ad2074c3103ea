/** A number and its time, in seconds. */
export interface Reading {
  readonly at: number
  readonly value: number
}

/** The slope by least squares, in units an hour; null if there are too few readings. */
export function slopeAnHour(readings: readonly Reading[]): number | null {
  if (readings.length < 3) return null
  const mean = (of: (one: Reading) => number) => readings.reduce((sum, one) => sum + of(one), 0) / readings.length
  const [at, value] = [mean((one) => one.at), mean((one) => one.value)]
  const over = readings.reduce((sum, one) => sum + (one.at - at) ** 2, 0)
  return (readings.reduce((sum, one) => sum + (one.at - at) * (one.value - value), 0) / over) * 3_600
}

/** The readings without the beginning, in which code is compiled and buffers reach their size. */
export const settledPart = <One>(all: readonly One[]): readonly One[] => all.slice(Math.floor(all.length / 4))

/** The maximum of each half. If nothing grows, the second is not greater, apart from fluctuations. */
export function halves(values: readonly number[]): { readonly first: number; readonly second: number } {
  const middle = Math.ceil(values.length / 2)
  return { first: Math.max(0, ...values.slice(0, middle)), second: Math.max(0, ...values.slice(middle)) }
}
