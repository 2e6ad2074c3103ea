/** How long the token of one leg counts on this server, and what its client has been told of that. */
export class TokenLife {
  /** Milliseconds, monotonic. */
  private endsAt = Infinity

  /** One was taken, with so many milliseconds left; absent: it never ends. */
  begin(now: number, ttl: number | undefined): void {
    this.endsAt = ttl === undefined ? Infinity : now + ttl
  }

  /** It ends in `within` milliseconds, unless it ends sooner anyway. False: it does. */
  cutShort(now: number, within: number): boolean {
    if (this.endsAt <= now + within) return false
    this.endsAt = now + within
    return true
  }

  /** Whether it has run out, and `grace` milliseconds with it. */
  over(now: number, grace: number): boolean {
    return now >= this.endsAt + grace
  }
}
