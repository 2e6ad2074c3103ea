/** A leg whose end Redis has not heard of. */
export interface Debt {
  readonly session: string
  readonly leg: number
  /** It was asked before, and the answer was lost: this one is the same. */
  again: boolean
  readonly settle: (last: boolean) => void
}

/** Releases that are owed to Redis until it has heard of them, however long it is away. */
export class ReleaseDebts {
  private readonly release: (debt: Debt) => Promise<boolean>
  private readonly owed = new Set<Debt>()
  private paying = false

  /** @param release answers whether it was the session's last leg. */
  constructor(release: (debt: Debt) => Promise<boolean>) {
    this.release = release
  }

  add(debt: Debt): void {
    this.owed.add(debt)
  }

  /** One after the other, all that there are; rejects with the first that Redis could not be told of. */
  async pay(): Promise<void> {
    if (this.paying) return
    this.paying = true
    try {
      for (const debt of this.owed) {
        const last = await this.release(debt)
        if (this.owed.delete(debt)) debt.settle(last)
      }
    } catch (error) {
      for (const debt of this.owed) debt.again = true
      throw error
    } finally {
      this.paying = false
    }
  }

  /** Nobody will hear any more. */
  drop(): void {
    for (const { settle } of this.owed) settle(false)
    this.owed.clear()
  }
}
