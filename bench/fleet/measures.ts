/** Sums counts of one second into bins of `seconds`. An incomplete last bin is left out. */
export function rebin(bins: ArrayLike<number>, seconds: number): Float64Array {
  const out = new Float64Array(Math.floor((bins.length - 1) / seconds))
  for (let i = 0; i < out.length * seconds; i++) out[Math.floor(i / seconds)]! += bins[i]!
  return out
}

export function peak(bins: ArrayLike<number>, from = 0, to = bins.length): number {
  let most = 0
  for (let i = Math.max(0, from); i < Math.min(to, bins.length); i++) most = Math.max(most, bins[i]!)
  return most
}

/**
 * For each refresh of a cohort that logged in together: the highest bin of `width` seconds, divided by the mean.
 * Refresh k lies between k − ½ and k + ½ times the mean age at which a token is refreshed. One ratio for each refresh
 * within the run.
 */
export function peakToMean(bins: ArrayLike<number>, meanAge: number, meanPerSecond: number, width: number): number[] {
  const wide = rebin(bins, width)
  const period = meanAge / 1_000 / width
  const ratios: number[] = []
  for (let k = 1; (k + 0.5) * period <= wide.length; k++) {
    ratios.push(peak(wide, Math.floor((k - 0.5) * period), Math.ceil((k + 0.5) * period)) / width / meanPerSecond)
  }
  return ratios
}

/** The time by which `share` of all `of` had finished, or null if fewer did. */
export function quantile(times: Float32Array, share: number, of: number): number | null {
  const rank = Math.ceil(share * of)
  if (rank < 1 || rank > times.length) return null
  return times.slice().sort()[rank - 1]!
}

/** How many clients are missing at the end of each second. */
export function missing(wentDown: ArrayLike<number>, cameUp: ArrayLike<number>): Float64Array {
  let now = 0
  return Float64Array.from({ length: wentDown.length }, (_, i) => (now += wentDown[i]! - cameUp[i]!))
}
