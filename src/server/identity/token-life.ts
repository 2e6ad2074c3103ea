/** How long the token of one leg counts on this server, and how long its client was told that it does. */
export class TokenLife {
  /** In monotonic milliseconds. */
  private endsAt = Infinity
  /** When its life was last cut short, and to when. */
  private cut: { readonly at: number; readonly endsAt: number } | null = null

  /**
   * A token was accepted with `ttl` milliseconds left; absent: it never ends. Its check began at `askedAt`: a cut made
   * since then applies to it as well. Returns the milliseconds that it has left.
   */
  begin(now: number, ttl: number | undefined, askedAt: number): number {
    const { cut } = this
    const most = cut && askedAt < cut.at ? Math.max(0, Math.floor(cut.endsAt - now)) : Infinity
    const left = Math.min(ttl ?? Infinity, most)
    this.endsAt = now + left
    return left
  }

  /** Makes the token end in `within` milliseconds. False if it ends sooner anyway. */
  cutShort(now: number, within: number): boolean {
    this.cut = { at: now, endsAt: now + within }
    if (this.endsAt <= now + within) return false
    this.endsAt = now + within
    return true
  }

  /** Whether the token ended more than `grace` milliseconds ago. */
  over(now: number, grace: number): boolean {
    return now >= this.endsAt + grace
  }
}
