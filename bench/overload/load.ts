/** Returns the share of one core that this process has used since the previous call. */
export function createLoad(): () => number {
  let at = performance.now()
  let used = process.cpuUsage()
  return () => {
    const now = performance.now()
    const { user, system } = process.cpuUsage(used)
    const share = (user + system) / 1_000 / Math.max(1, now - at)
    at = now
    used = process.cpuUsage()
    return share
  }
}
