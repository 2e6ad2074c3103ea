/** How long the token of one leg counts on this server, and what its client has been told of that. */
export class TokenLife {
  /** Milliseconds, monotonic. */
  private endsAt = Infinity
  /** When it was last cut short, and to when. */
  private cut: { readonly at: number; readonly endsAt: number } | null = null

  /**
   * One was taken, with so many milliseconds left; absent: it never ends. It was checked from `askedAt` on: what was cut
   * short since was this one as well. Answers the milliseconds that it has.
   */
  begin(now: number, ttl: number | undefined, askedAt: number): number {
    const { cut } = this
    const most = cut && askedAt < cut.at ? Math.max(0, Math.floor(cut.endsAt - now)) : Infinity
    const left = Math.min(ttl ?? Infinity, most)
    this.endsAt = now + left
    return left
  }

  /** It ends in `within` milliseconds, unless it ends sooner anyway. False: it does. */
  cutShort(now: number, within: number): boolean {
    this.cut = { at: now, endsAt: now + within }
    if (this.endsAt <= now + within) return false
    this.endsAt = now + within
    return true
  }

  /** Whether it has run out, and `grace` milliseconds with it. */
  over(now: number, grace: number): boolean {
    return now >= this.endsAt + grace
  }
}
